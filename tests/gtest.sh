# What a GoogleTest program did, for scripts.

# count_gtest NAME REPORT STATUS: "PASSED FAILED SKIPPED" of its JSON report, or one failure where it left none (it crashed).
count_gtest() {
  local name=$1 report=$2 status=$3 counts
  if [ ! -s "$report" ]; then
    echo "    $name: died with status $status before it reported" >&2
    echo "0 1 0" && return
  fi
  counts=$(jq -r '[.testsuites[].testsuite[] | select(.status == "RUN") |
      if (.failures // []) | length > 0 then "failed"
      elif .result == "SKIPPED" then "skipped" else "passed" end]
    | [(map(select(. == "passed")) | length), (map(select(. == "failed")) | length), (map(select(. == "skipped")) | length)]
    | join(" ")' "$report")
  # A sanitizer's report at exit, or a crash after the last test, is a failure even where each test passed.
  if [ "$status" -ne 0 ] && [ "$(cut -d' ' -f2 <<<"$counts")" = 0 ]; then
    echo "    $name: exit status $status although no test failed" >&2
    counts=$(awk '{print $1, 1, $3}' <<<"$counts")
  fi
  echo "$counts"
}
