#!/usr/bin/env bash
# What was acknowledged is there after a restart and after SIGKILL in the middle of writes; keys and addresses stay.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
source tests/lib.sh
source tests/controlplane/cluster.sh

services=/api/v1/namespaces/default/services
service() { echo '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "'"$1"'"}, "spec": {"ports": [{"port": 80}]}}'; }
create() { status_of POST "$services" -H 'Content-Type: application/json' -d "$(service "$1")"; }
names() { api GET "$services" | jq -r '.items[].metadata.name' | sort; }

test_a_restart_keeps_objects_addresses_and_keys() {
  start_controlplane
  expect_eq "$(create kept)" 201
  local before files
  before=$(api GET "$services/kept")
  files=$(sha256sum "$work"/data/*.crt "$work"/data/*.key "$work"/data/*.token "$KUBECONFIG")
  end_controlplane TERM
  start_controlplane
  expect_eq "$(api GET "$services/kept")" "$before"
  expect_eq "$(sha256sum "$work"/data/*.crt "$work"/data/*.key "$work"/data/*.token "$KUBECONFIG")" "$files"
  # The address is still taken.
  local ip
  ip=$(jq -r .spec.clusterIP <<<"$before")
  expect_match "$(api POST "$services" -H 'Content-Type: application/json' \
    -d "$(service thief | jq -c --arg ip "$ip" '.spec.clusterIP = $ip')")" 'already allocated'
  end_controlplane TERM
}

# Writes until the server is gone and notes each name that was acknowledged.
storm() {
  local writer=$1 i
  for ((i = 0; ; i++)); do
    [ "$(create "storm-$round-$writer-$i" 2>/dev/null)" = 201 ] || return 0
    echo "storm-$round-$writer-$i" >>"$work/acknowledged"
  done
}
test_sigkill_loses_nothing_that_was_acknowledged() {
  : >"$work/acknowledged"
  local round
  for round in 1 2 3; do
    start_controlplane
    local writers=() writer
    for writer in 1 2 3 4; do
      storm "$writer" &
      writers+=($!)
    done
    eventually 60 has_acknowledged $((round * 40))
    end_controlplane KILL
    wait "${writers[@]}"
  done
  start_controlplane
  expect_eq "$(comm -23 <(sort "$work/acknowledged") <(names))" ''
  end_controlplane TERM
}
has_acknowledged() { [ "$(wc -l <"$work/acknowledged")" -ge "$1" ]; }

test_a_second_process_is_refused() {
  start_controlplane
  local output
  if output=$("$FAIRLEAD_BIN/fairlead" controlplane --data-dir "$work/data" --listen 127.0.0.1:0 2>&1); then
    fail "two control planes on one directory"
  fi
  expect_match "$output" 'in use by another process'
  end_controlplane TERM
}

test_a_bad_option_is_one_clear_line() {
  local output
  if output=$("$FAIRLEAD_BIN/fairlead" controlplane --data-dir "$work/other" --service-cidr 10.0.0.0/99 2>&1); then
    fail "accepted a prefix of 99 bits"
  fi
  expect_match "$output" '^fairlead controlplane: --service-cidr: '
}

run_tests "$@"
