#!/usr/bin/env bash
# The house rules hold for this tree, and each of them would notice: every check is first shown a tree that breaks it.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh
source tests/house/checks.sh
work=$(mktemp -d)
cleanup() { rm -rf "$work"; }

# Makes a tree from standard input (lines "== FILE" begin a file) that is tracked by git, and prints its path.
tree() {
  local root file=
  root=$(mktemp -d "$work/XXXXXX")
  while IFS= read -r line; do
    if [[ $line == "== "* ]]; then
      file=$root/${line#== }
      mkdir -p "$(dirname "$file")"
      : >"$file"
    else
      printf '%s\n' "$line" >>"$file"
    fi
  done
  cp .clang-format "$root/"
  git -C "$root" init -q
  git -C "$root" add -A
  echo "$root"
}

# expect_offence CHECK TEXT: the tree on standard input must be refused with a line that contains TEXT.
expect_offence() {
  local check=$1 text=$2 root output
  root=$(tree)
  if output=$("$check" "$root" 2>&1); then fail "$check accepts a tree that breaks it ($text)"; fi
  [[ $output == *"$text"* ]] || fail "$check says '$output', not '$text'"
}
expect_none() {
  local output
  output=$("$1" . 2>&1) || fail "$output"
}

test_includes_and_links_follow_the_arrows() {
  local block='== docs/architecture.md
```arrows
model ->
agent -> model
```'
  local cmake='== model/CMakeLists.txt
fairlead_library(model LINKS tl::expected)
== agent/CMakeLists.txt
fairlead_library(agent LINKS fairlead::model)'
  check_arrows "$(printf '%s\n' "$block" "$cmake" '== agent/a.cpp' '#include "model/ip.hpp"' | tree)" || fail "refuses a good tree"
  expect_offence check_arrows 'model does not point to agent' <<<"$block
$cmake
== model/ip.hpp
#include \"agent/config.hpp\""
  expect_offence check_arrows 'its folder has no line' <<<"$block
$cmake
== cli/cli.cpp
// x"
  expect_offence check_arrows 'does not link model' <<<"$block
== model/CMakeLists.txt
fairlead_library(model LINKS tl::expected)
== agent/CMakeLists.txt
fairlead_library(agent LINKS fmt::fmt)"
  expect_offence check_arrows 'links agent, but model does not point to it' <<<"$block
== model/CMakeLists.txt
fairlead_library(model LINKS fairlead::agent)
== agent/CMakeLists.txt
fairlead_library(agent LINKS fairlead::model)"
  expect_offence check_arrows 'a circle: a -> b -> a' <<<'== docs/architecture.md
```arrows
a -> b
b -> a
```'
  expect_none check_arrows
}

test_no_file_is_longer_than_500_lines() {
  expect_offence check_file_sizes 'long.cpp: 501 lines' < <(echo '== long.cpp'; seq 501)
  check_file_sizes "$({ echo '== tests/house/exceptions.txt'; echo 'long long.cpp # a table'; echo '== long.cpp'; seq 501; } | tree)" ||
    fail "an exception with a reason is no offence"
  expect_none check_file_sizes
}

test_every_source_is_formatted() {
  command -v clang-format >/dev/null || skip "clang-format is not installed"
  expect_offence check_format 'a.cpp: not formatted, first at line 1' <<<'== a.cpp
int  main( ){}'
  expect_none check_format
}

test_no_test_sleeps() {
  expect_offence check_no_sleeps_in_tests 'tests/a_test.sh:1' <<<'== tests/a_test.sh
sleep 1'
  expect_offence check_no_sleeps_in_tests 'tests/a_test.cpp:1' <<<'== tests/a_test.cpp
std::this_thread::sleep_for(1s);'
  expect_none check_no_sleeps_in_tests
}

test_no_product_code_knows_of_tests() {
  expect_offence check_no_test_switches 'agent/a.cpp:1' <<<'== agent/a.cpp
  if (testing) return;'
  expect_offence check_no_test_switches 'agent/a.cpp:1' <<<'== agent/a.cpp
#ifdef TESTING'
  expect_none check_no_test_switches
}

test_scripts_pass_shellcheck() {
  command -v shellcheck >/dev/null || skip "shellcheck is not installed"
  expect_offence check_shell 'SC2086' <<<"== a
#!/bin/bash
x=\$1
rm \$x"
  expect_none check_shell
}

test_no_path_of_somebodys_machine() {
  expect_offence check_no_private_paths 'README.md:1' <<<'== README.md
see /home/alice/notes'
  expect_none check_no_private_paths
}

test_every_source_opens_with_a_comment() {
  expect_offence check_sources_open_with_a_comment 'a.cpp: does not open' <<<'== a.cpp
#include "a.hpp"'
  expect_none check_sources_open_with_a_comment
}

test_folder_readmes_end_in_review_notes() {
  expect_offence check_readmes_end_in_review_notes 'model/README.md: no review notes' <<<'== model/README.md
# model'
  expect_none check_readmes_end_in_review_notes
}

run_tests "$@"
