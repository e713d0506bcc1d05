#!/usr/bin/env bash
# The other tests run with the best datapath there is. These are the same Services by nftables: one of each kind.
cd "$(dirname "$(readlink -f "$0")")/../.." || exit
FAIRLEAD_LAB_DATAPATH=nftables exec tests/lab/services_test.sh \
  test_a_pod_reaches_all_backends_at_the_cluster_ip_as_itself \
  test_udp_goes_the_same_way \
  test_a_node_reaches_the_cluster_ip \
  test_an_external_client_reaches_all_backends_at_the_node_port_of_every_node_masqueraded \
  test_a_pod_reaches_itself_through_its_service \
  test_client_ip_affinity_keeps_a_client_at_its_backend \
  test_external_traffic_policy_local_keeps_the_source_and_drops_where_no_backend_is \
  test_a_service_without_endpoints_refuses_at_once \
  test_a_udp_client_moves_to_the_new_endpoint_without_a_new_socket \
  test_load_balancer_source_ranges_admit_only_the_named \
  test_a_pod_leaves_under_load_and_no_connection_fails
