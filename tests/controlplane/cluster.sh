# For the scripts of this suite: a control plane on loopback with everything it has in one temporary directory.
work=$(mktemp -d)
export HOME=$work/home KUBECONFIG=$work/data/admin.kubeconfig
mkdir -p "$HOME"

# The port is drawn once and kept over restarts, as clients keep their kubeconfig.
start_controlplane() {
  local listen=127.0.0.1:0
  [ -s "$work/listen" ] && listen=$(<"$work/listen")
  "${FAIRLEAD_BIN:?}/fairlead" controlplane --data-dir "$work/data" --listen "$listen" \
    --pod-cidr 10.244.0.0/16 >>"$work/log" 2>&1 &
  echo $! >"$work/pid"
  eventually 30 is_serving_or_gone
  is_running || { cat "$work/log" >&2; fail "the control plane ended"; }
  sed -n 's|.*server: https://||p' "$KUBECONFIG" >"$work/listen"
}
is_running() { [[ $(ps -o stat= -p "$(<"$work/pid")") == [^Z]* ]]; }
is_gone() { ! is_running; }
is_serving_or_gone() { is_gone || api GET /readyz; }

# end_controlplane SIGNAL: and waits until it is gone.
end_controlplane() {
  [ -s "$work/pid" ] || return 0
  kill -"$1" "$(<"$work/pid")" 2>/dev/null
  eventually 30 is_gone
  rm "$work/pid"
}

# api METHOD PATH [CURL-ARGUMENT…]: the answer, with the administrator's token; fails if there is none.
api() {
  local method=$1 path=$2 server
  shift 2
  server=$(sed -n 's|.*server: ||p' "$KUBECONFIG") && [ -n "$server" ] || return 1
  curl -sS --max-time 20 --cacert "$work/data/ca.crt" -A test -X "$method" \
    -H "Authorization: Bearer $(<"$work/data/admin.token")" "$@" "$server$path"
}
# status_of METHOD PATH …: the HTTP status only.
status_of() { api "$@" -o /dev/null -w '%{http_code}'; }

cleanup() {
  end_controlplane KILL
  rm -rf "$work"
}
