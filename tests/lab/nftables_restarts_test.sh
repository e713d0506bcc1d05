#!/usr/bin/env bash
# What happens to traffic by nftables when agents die, and when somebody damages the table.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
FAIRLEAD_LAB_DATAPATH=nftables exec tests/lab/restarts_test.sh \
  test_kills_of_agents_under_load_and_change_lose_nothing \
  test_a_flushed_table_is_repaired_within_a_second \
  test_a_deleted_table_is_repaired
