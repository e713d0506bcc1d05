// JSON text -> Results. Each value is read together with its path, so that an error says where.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <limits>
#include <map>
#include <utility>

#include "bench/results/json.hpp"
#include "bench/results/json_parse.hpp"

namespace fairlead::bench {
namespace {

namespace json = boost::json;

/// A value and where it stands: "series[3].samples".
class Field {
 public:
  Field(const json::value& value, std::string path) : value_(&value), path_(std::move(path)) {}

  [[nodiscard]] tl::unexpected<Error> is_not(std::string_view what) const {
    return invalid(fmt::format("{}: not {}", path_.empty() ? "the document" : path_, what));
  }

  [[nodiscard]] Result<Field> member(std::string_view name) const {
    const auto* object = value_->if_object();
    if (object == nullptr) return is_not("an object");
    std::string path = (path_.empty() ? "" : path_ + ".") + std::string(name);
    const auto* found = object->if_contains(json::string_view(name.data(), name.size()));
    if (found == nullptr) return invalid(path + ": missing");
    return Field(*found, std::move(path));
  }

  template <class T, class Read>
  [[nodiscard]] Result<std::vector<T>> list(std::string_view name, Read read) const {
    TRY(const Field field, member(name));
    const auto* array = field.value_->if_array();
    if (array == nullptr) return field.is_not("a list");
    std::vector<T> items;
    for (std::size_t i = 0; i < array->size(); ++i) {
      TRY(auto item, read(Field((*array)[i], fmt::format("{}[{}]", field.path_, i))));
      items.push_back(std::move(item));
    }
    return items;
  }

  [[nodiscard]] Result<std::string> as_text() const {
    const auto* text = value_->if_string();
    if (text == nullptr) return is_not("a text");
    return std::string(text->data(), text->size());
  }
  [[nodiscard]] Result<std::string> text(std::string_view name) const {
    return member(name).and_then([](const Field& field) { return field.as_text(); });
  }

  /// A whole number from 0 to `most`.
  [[nodiscard]] Result<std::uint64_t> as_count(std::uint64_t most) const {
    json::error_code error;
    const auto count = value_->is_double() ? 0 : value_->to_number<std::uint64_t>(error);
    if (error || value_->is_double() || count > most)
      return is_not(fmt::format("a whole number from 0 to {}", most));
    return count;
  }
  template <class T>
  [[nodiscard]] Result<T> count(std::string_view name) const {
    TRY(const Field field, member(name));
    TRY(const auto value, field.as_count(std::numeric_limits<T>::max()));
    return static_cast<T>(value);
  }

  /// null: none was taken.
  [[nodiscard]] Result<double> as_sample() const {
    if (value_->is_null()) return std::numeric_limits<double>::quiet_NaN();
    json::error_code error;
    const auto number = value_->to_number<double>(error);
    if (error) return is_not("a number");
    return number;
  }

  [[nodiscard]] Result<Histogram::Bucket> as_bucket() const {
    const auto* pair = value_->if_array();
    if (pair == nullptr || pair->size() != 2) return is_not("a pair [nanoseconds, count]");
    TRY(const auto value, Field((*pair)[0], path_ + "[0]")
                              .as_count(std::numeric_limits<std::chrono::nanoseconds::rep>::max()));
    TRY(const auto count,
        Field((*pair)[1], path_ + "[1]").as_count(std::numeric_limits<std::uint64_t>::max()));
    return Histogram::Bucket{
        std::chrono::nanoseconds(static_cast<std::chrono::nanoseconds::rep>(value)), count};
  }

 private:
  const json::value* value_;
  std::string path_;
};

Result<Subject> read_subject(const Field& field) {
  Subject subject;
  TRY(subject.part, field.text("part"));
  TRY(subject.test, field.text("test"));
  TRY(subject.traffic, field.text("traffic"));
  TRY(subject.figure, field.text("figure"));
  TRY(subject.unit, field.text("unit"));
  TRY(const Field better, field.member("better"));
  TRY(const std::string direction, better.as_text());
  if (direction != "more" && direction != "less") return better.is_not("\"more\" or \"less\"");
  subject.better = direction == "more" ? Better::kMore : Better::kLess;
  TRY(subject.services, field.count<std::uint32_t>("services"));
  TRY(subject.endpoints, field.count<std::uint32_t>("endpoints"));
  return subject;
}

Result<Series> read_series(const Field& field) {
  Series series;
  TRY(const Field subject, field.member("subject"));
  TRY(series.subject, read_subject(subject));
  TRY(series.way, field.text("way"));
  TRY(series.samples,
      field.list<double>("samples", [](const Field& sample) { return sample.as_sample(); }));
  return series;
}

Result<LatencyCurve> read_latency(const Field& field) {
  LatencyCurve curve;
  TRY(const Field subject, field.member("subject"));
  TRY(curve.subject, read_subject(subject));
  TRY(curve.way, field.text("way"));
  TRY(curve.buckets, field.list<Histogram::Bucket>(
                         "buckets", [](const Field& bucket) { return bucket.as_bucket(); }));
  return curve;
}

Result<NotMeasured> read_not_measured(const Field& field) {
  NotMeasured one;
  TRY(one.part, field.text("part"));
  TRY(one.what, field.text("what"));
  TRY(one.why, field.text("why"));
  return one;
}

Result<Setting> read_setting(const Field& field) {
  Setting setting;
  TRY(setting.commit, field.text("commit"));
  TRY(setting.version, field.text("version"));
  TRY(setting.started, field.text("started"));
  TRY(setting.kernel, field.text("kernel"));
  TRY(setting.cpu, field.text("cpu"));
  TRY(setting.host, field.text("host"));
  TRY(setting.cores, field.count<std::uint32_t>("cores"));
  TRY(setting.memory_bytes, field.count<std::uint64_t>("memoryBytes"));
  TRY(setting.mitigations,
      field.list<std::string>("mitigations", [](const Field& one) { return one.as_text(); }));
  TRY(setting.command, field.text("command"));
  return setting;
}

/// Whoever compares two ways must know which samples are meant.
template <class T>
Result<> refuse_twice(std::string_view list, const std::vector<T>& items) {
  std::map<std::pair<Subject, std::string>, std::size_t> seen;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto [first, is_new] = seen.try_emplace({items[i].subject, items[i].way}, i);
    if (is_new) continue;
    return invalid(
        fmt::format("{}[{}]: the same subject and way as {}[{}]", list, i, list, first->second));
  }
  return {};
}

}  // namespace

Result<Results> results_from_json(std::string_view text) {
  TRY(const json::value document, parse_json(text));
  const Field root(document, "");
  TRY(const Field schema, root.member("schema"));
  TRY(const std::string name, schema.as_text());
  if (name != "fairlead.io/bench/v1") {
    return invalid("schema: is \"" + name + "\", not \"fairlead.io/bench/v1\"");
  }
  Results results;
  TRY(const Field setting, root.member("setting"));
  TRY(results.setting, read_setting(setting));
  TRY(results.series, root.list<Series>("series", read_series));
  TRY(results.latencies, root.list<LatencyCurve>("latencies", read_latency));
  TRY(results.not_measured, root.list<NotMeasured>("notMeasured", read_not_measured));
  TRY_VOID(refuse_twice("series", results.series));
  TRY_VOID(refuse_twice("latencies", results.latencies));
  return results;
}

}  // namespace fairlead::bench
