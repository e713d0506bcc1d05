#!/usr/bin/env bash
# The page that a bench writes, opened in a real browser: it draws what the results say, asks for nothing, and can be seen.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh
results=("${FAIRLEAD_BIN:-build/release/bin}/fairlead" bench)
work=$(mktemp -d)
cleanup() { rm -rf "$work"; }

command -v chromium >/dev/null || { echo "SKIP page_test: chromium is not installed (tests/bench/packages.txt)"; echo "0 passed, 0 failed, 1 skipped"; exit; }

# browse FILE ARGUMENT…: Chromium with a new profile; its log in $work/log, what it asked of networks in $work/net.json.
browse() {
  local file=$1 profile
  shift
  profile=$(mktemp -d "$work/profile.XXXXXX")
  timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --host-resolver-rules="MAP * ~NOTFOUND, EXCLUDE 127.0.0.1" --hide-scrollbars --user-data-dir="$profile" --virtual-time-budget=5000 \
    --enable-logging=stderr --log-net-log="$work/net.json" "$@" "file://$file" 2>"$work/log"
}
complaints() { grep -F CONSOLE "$work/log" || true; }

# Once for all tests.
page() {
  [ -f "$work/page.html" ] && return
  tests/bench/fixture.py >"$work/results.json"
  "${results[@]}" page "$work/results.json" -o "$work/page.html"
}

test_each_figure_has_as_many_marks_as_the_results_say() {
  page
  browse "$work/page.html" --window-size=1280,900 --dump-dom >"$work/dom.html"
  tests/bench/marks.py "$work/results.json" "$work/dom.html" || fail "the page is not what the results are"
  expect_eq "$(complaints)" ''
  # A page that draws less is noticed.
  sed '0,/<circle class="sample"/s//<circle class="other"/' "$work/dom.html" >"$work/less.html"
  if tests/bench/marks.py "$work/results.json" "$work/less.html" >"$work/less"; then fail "a mark less is not noticed"; fi
  expect_match "$(cat "$work/less")" 'boxes: figures with'
}

test_what_was_not_measured_is_said_and_texts_stay_texts() {
  page
  browse "$work/page.html" --dump-dom >"$work/dom.html"
  # What the script put there; the JSON has all of it anyway.
  sed '/<script type="application/,$d' "$work/dom.html" >"$work/main.html"
  grep -qF '<td class="text">this kernel has no IPVS: modprobe ip_vs: not found</td>' "$work/main.html" || fail "not measured: not said"
  grep -qF '# &lt;/script&gt;&lt;b&gt;µ</code>' "$work/main.html" || fail "the command is not shown as it was"
}

# What the page asked for; Chromium's own requests (its clock, its updates) have no initiator.
asked() {
  jq -r '[.events[].params? | objects | select(.initiator? // "not an origin" | . != "not an origin") | .url? // empty
    | select(test("^(https?|wss?|ftp):"))] | unique[]' "$work/net.json"
}
test_the_page_asks_for_nothing() {
  page
  browse "$work/page.html" --dump-dom >/dev/null
  expect_eq "$(asked)" ''
  # A page that asks for something is noticed.
  echo '<img src="http://127.0.0.1:9/seen">' >"$work/asks.html"
  browse "$work/asks.html" --dump-dom >/dev/null
  expect_eq "$(asked)" http://127.0.0.1:9/seen
}

# probe WIDTH SCRIPT: the page with a script of the test's behind its own, whose answer is the title.
probe() {
  page
  { cat "$work/page.html"; echo "<script>onload = () => setTimeout(() => { document.title = String($2); }, 1000);</script>"; } >"$work/probe.html"
  browse "$work/probe.html" --window-size="$1",900 --dump-dom | sed -n 's/.*<title>\([^<]*\)<\/title>.*/\1/p' | head -n 1
}

test_no_width_needs_scrolling_sideways() {
  local width
  for width in 390 800 1280; do
    expect_eq "$(probe "$width" 'document.documentElement.scrollWidth - innerWidth')" 0 "at $width pixels"
  done
}

test_the_pointer_and_the_arrow_keys_read_a_latency() {
  local event svg='document.querySelector(".latencies svg.plot")'
  for event in "new PointerEvent('pointermove', {clientX: $svg.getBoundingClientRect().right - 300})" \
    "new KeyboardEvent('keydown', {key: 'ArrowRight'})"; do
    expect_match "$(probe 1280 "($svg.dispatchEvent($event), $svg.closest('figure').querySelector('tbody td').textContent)")" \
      '^[0-9.]+ (µs|ms)$' "$event"
  done
}

# shot NAME SCHEME: a picture of the first figure and the first latencies; scheme 0 is dark, 1 light. Its colours are in
# $work/NAME.colours.
shot() {
  { cat "$work/page.html"; echo '<script>document.querySelector("main").replaceChildren(document.querySelector(".boxes"), document.querySelector(".latencies"));</script>'; } >"$work/shot.html"
  browse "$work/shot.html" --window-size=700,640 --blink-settings=preferredColorScheme="$2" --screenshot="$work/$1.png"
  tests/bench/colours.py "$work/$1.png" >"$work/$1.colours"
  [ "$(wc -l <"$work/$1.colours")" -gt 100 ] || fail "$1: only $(wc -l <"$work/$1.colours") colours"
}

test_pictures_show_the_plots_light_and_dark() {
  page
  shot light 1
  shot dark 0
  expect_match "$(head -n 1 "$work/light.colours")" '^#ffffff 0\.[5-9]'
  expect_match "$(head -n 1 "$work/dark.colours")" '^#0f1216 0\.[5-9]'
  # The medians of ebpf and of nftables, as page.css has their colours.
  grep -q '^#0969b8 ' "$work/light.colours" || fail "light: no median of ebpf"
  grep -q '^#0b8a6a ' "$work/light.colours" || fail "light: no median of nftables"
  grep -q '^#58a9f0 ' "$work/dark.colours" || fail "dark: no median of ebpf"
}

run_tests "$@"
