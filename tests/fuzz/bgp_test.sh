#!/usr/bin/env bash
# The decoders of BGP against a fixed number of generated inputs, under AddressSanitizer and UndefinedBehaviorSanitizer: from the
# committed seeds, with a fixed seed of randomness, so that each run tries the same. FAIRLEAD_FUZZ_TIMES=100 tries a hundred times as
# many, FAIRLEAD_FUZZ_SEED others. Builds the preset `fuzz` (pure code, a minute at first).
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/fuzz/fuzzing.sh

test_no_body_of_an_open_breaks_the_decoder() { fuzz bgp/open 300000 4096; }
test_no_body_of_an_update_breaks_the_decoder() { fuzz bgp/update 500000 4096; }
test_no_body_of_a_notification_breaks_the_decoder() { fuzz bgp/notification 200000 4096; }
test_no_body_of_a_route_refresh_breaks_the_decoder() { fuzz bgp/route_refresh 100000 256; }
test_no_stream_breaks_the_framer() { fuzz bgp/stream 120000 8192; }
test_no_order_of_events_breaks_a_session() { fuzz bgp/session 100000 4096; }

run_tests "$@"
