// SQLite's C interface with owners for its handles and Results for its codes.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>
#include <string_view>

#include "model/result.hpp"

namespace fairlead::sqlite {

class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* raw) : handle_(raw) {}

  // Columns and parameters are numbered as SQLite does: parameters from 1, columns from 0. Bound
  // text must live until reset().
  void bind(int parameter, std::int64_t number) {
    sqlite3_bind_int64(handle_.get(), parameter, number);
  }
  void bind_text(int parameter, std::string_view text) {
    sqlite3_bind_text64(handle_.get(), parameter, text.data(), text.size(), SQLITE_STATIC,
                        SQLITE_UTF8);
  }
  /// A null view binds NULL.
  void bind_blob(int parameter, std::string_view blob) {
    if (blob.data() == nullptr) {
      sqlite3_bind_null(handle_.get(), parameter);
    } else {
      sqlite3_bind_blob64(handle_.get(), parameter, blob.data(), blob.size(), SQLITE_STATIC);
    }
  }
  [[nodiscard]] std::int64_t number(int column) const {
    return sqlite3_column_int64(handle_.get(), column);
  }
  [[nodiscard]] bool is_null(int column) const {
    return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
  }
  [[nodiscard]] std::string bytes(int column) const {
    const void* data = sqlite3_column_blob(handle_.get(), column);
    const int size = sqlite3_column_bytes(handle_.get(), column);
    return data == nullptr
               ? std::string()
               : std::string(static_cast<const char*>(data), static_cast<std::size_t>(size));
  }

  /// True: a row is there. False: done, and reset for the next use.
  Result<bool> step() {
    const int status = sqlite3_step(handle_.get());
    if (status == SQLITE_ROW) return true;
    sqlite3_reset(handle_.get());
    if (status == SQLITE_DONE) return false;
    return explain("execute");
  }
  /// For statements without rows.
  Result<> run() {
    TRY([[maybe_unused]] const bool row, step());
    return {};
  }
  void reset() { sqlite3_reset(handle_.get()); }

 private:
  tl::unexpected<Error> explain(std::string_view doing) const {
    sqlite3* database = sqlite3_db_handle(handle_.get());
    return tl::unexpected(Error{std::make_error_code(std::errc::io_error),
                                std::string(doing) + " \"" + sqlite3_sql(handle_.get()) +
                                    "\": " + sqlite3_errmsg(database)});
  }

  struct Finalize {
    void operator()(sqlite3_stmt* raw) const { sqlite3_finalize(raw); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

class Database {
 public:
  static Result<Database> open(const std::string& path) {
    sqlite3* raw = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    const int status = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
    Database database(raw);
    if (status != SQLITE_OK) return database.explain("open " + path);
    sqlite3_extended_result_codes(raw, 1);
    return database;
  }

  /// One or more statements whose rows, if any, do not matter.
  Result<> execute(const char* sql) const {
    if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
      return explain(sql);
    return {};
  }
  [[nodiscard]] Result<Statement> prepare(std::string_view sql) const {
    sqlite3_stmt* raw = nullptr;
    const int status = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    if (status != SQLITE_OK) return explain(std::string(sql));
    return Statement(raw);
  }
  [[nodiscard]] bool is_busy() const {
    return (sqlite3_errcode(handle_.get()) & 0xff) == SQLITE_BUSY;
  }

 private:
  explicit Database(sqlite3* raw) : handle_(raw) {}
  [[nodiscard]] tl::unexpected<Error> explain(const std::string& doing) const {
    return tl::unexpected(Error{std::make_error_code(std::errc::io_error),
                                doing + ": " + sqlite3_errmsg(handle_.get())});
  }

  struct Close {
    void operator()(sqlite3* raw) const { sqlite3_close_v2(raw); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace fairlead::sqlite
