#!/usr/bin/env bash
# The services' suite once more, where pods of different nodes reach each other by BGP's routes.
export FAIRLEAD_LAB_NETWORK=bgp
exec "$(dirname "$(readlink -f "$0")")/services_test.sh" "$@"
