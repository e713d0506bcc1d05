#!/usr/bin/env bash
# BFD's packets and events in any order against a session, as bgp_test.sh does for BGP.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/fuzz/fuzzing.sh

test_no_order_of_packets_and_events_breaks_a_session() { fuzz bfd/session 150000 1024; }

run_tests "$@"
