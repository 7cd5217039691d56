# Starts private servers in a temporary folder, from the programs of Debian's packages.
# Each has the functions `NAME_installed`, `start_NAME FOLDER` (prints its URL) and `stop_NAME FOLDER`.
# shellcheck shell=bash

# Not the wrapper of the same name in /usr/sbin, which changes the user.
RABBITMQ_SERVER=${RUNMILL_TEST_RABBITMQ:-/usr/lib/rabbitmq/bin/rabbitmq-server}

# Prints a free port below those that the system gives to outgoing connections, so that none of these takes it while a
# server restarts.
free_port() {
    local port
    for ((port = 20000 + RANDOM % 10000; port < 32768; port++)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
    return 1
}

# Waits up to 90 s for the port $1 while the process $2 lives.
wait_for_port() {
    local tries
    for ((tries = 0; tries < 450; tries++)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
        kill -0 "$2" 2>/dev/null || return
        sleep 0.2
    done
    return 1
}

rabbitmq_installed() { [[ -x $RABBITMQ_SERVER ]]; }

start_rabbitmq() {
    local folder=$1 port distribution epmd
    mkdir -p "$folder"
    port=$(free_port) distribution=$(free_port) epmd=$(free_port)
    echo "listeners.tcp.default = 127.0.0.1:$port" >"$folder/rabbitmq.conf"
    echo "[]." >"$folder/enabled_plugins"
    # RUNNING_UNDER_SYSTEMD: the launcher replaces itself with the server, so that its process is the one to stop.
    HOME=$folder RUNNING_UNDER_SYSTEMD=true RABBITMQ_NODENAME=runmill$port@localhost \
        RABBITMQ_DIST_PORT=$distribution ERL_EPMD_PORT=$epmd \
        RABBITMQ_MNESIA_BASE=$folder/data RABBITMQ_LOG_BASE=$folder/log \
        RABBITMQ_CONFIG_FILE=$folder/rabbitmq.conf RABBITMQ_ENABLED_PLUGINS_FILE=$folder/enabled_plugins \
        "$RABBITMQ_SERVER" </dev/null >"$folder/output" 2>&1 9>&- &
    echo "$!" >"$folder/pid"
    echo "$epmd" >"$folder/epmd"
    if ! wait_for_port "$port" "$!" || ! kill -0 "$!"; then
        cat "$folder/output" >&2
        return 1
    fi
    echo "amqp://guest:guest@127.0.0.1:$port/%2f"
}

stop_rabbitmq() {
    [[ -f $1/pid ]] || return 0
    local pid
    pid=$(<"$1/pid")
    kill "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
    # The port mapper is a daemon that the server started and that outlives it.
    epmd -port "$(<"$1/epmd")" -kill >/dev/null 2>&1 || true
}

# Prints the folder of PostgreSQL's programs: $RUNMILL_TEST_POSTGRES, or else the newest in Debian's layout, or else those
# in the path.
postgres_programs() {
    local program
    if [[ -n ${RUNMILL_TEST_POSTGRES:-} ]]; then echo "$RUNMILL_TEST_POSTGRES"; return; fi
    program=$(find /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)
    dirname "${program:-$(command -v initdb)}"
}

pgbouncer_installed() { [[ -n ${RUNMILL_TEST_PGBOUNCER:-} || -x /usr/sbin/pgbouncer ]] || command -v pgbouncer >/dev/null; }

postgres_installed() { [[ -n ${RUNMILL_TEST_POSTGRES:-} || -n $(find /usr/lib/postgresql/*/bin/initdb 2>/dev/null) ]] || command -v initdb >/dev/null; }

# Runs a command as the user postgres if this is root, since PostgreSQL does not run as root.
as_postgres() {
    if ((EUID == 0)); then runuser -u postgres -- "$@"; else "$@"; fi
}

start_postgres() {
    local folder=$1 port programs
    mkdir -p "$folder"
    if ((EUID == 0)); then chown postgres "$folder"; fi
    port=$(free_port)
    programs=$(postgres_programs)
    (
        cd "$folder"
        as_postgres "$programs/initdb" -A trust -U postgres --no-sync -D "$folder/data"
        as_postgres "$programs/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
            -o "-p $port -k $folder -c listen_addresses=127.0.0.1" start
    ) </dev/null >"$folder.output" 2>&1 9>&- || { cat "$folder.output" >&2; return 1; }
    echo "postgresql://postgres@127.0.0.1:$port/postgres"
}

stop_postgres() {
    [[ -d $1/data ]] || return 0
    (cd "$1" && as_postgres "$(postgres_programs)/pg_ctl" -D "$1/data" -m immediate -w stop) >/dev/null 2>&1 || true
}
