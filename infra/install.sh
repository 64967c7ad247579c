#!/bin/sh
# Makes this machine a Nightshift box, for this user and without root: a command in ~/.nightshift/bin, and the agent as a systemd user
# service where there is one. Run it again after an upgrade; jobs that run go on.
set -eu

usage() {
  cat <<'TEXT'
usage: infra/install.sh [--server URL --token TOKEN] [--name NAME] [--labels A,B] [--slots N] [--no-service]
       infra/install.sh --uninstall

  --server, --token  enrol this box (nightshift boxes enrol, on the control plane, prints both)
  --name, --labels   what the box is called, and what it offers
  --slots            jobs at a time (1)
  --no-service       install the command only
  --uninstall        take service and command away; jobs, credential and caches in ~/.nightshift/agent stay
TEXT
}

say() { printf '%s\n' "$*"; }
die() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '  → %s\n' "$2" >&2
  exit "${3:-1}"
}

server='' token='' name='' labels='' slots=1 wants_service=yes is_uninstall=no
while [ $# -gt 0 ]; do
  case $1 in
    --server | --token | --name | --labels | --slots)
      [ $# -ge 2 ] || die "$1 needs a value" 'infra/install.sh --help' 64
      case $1 in
        --server) server=$2 ;;
        --token) token=$2 ;;
        --name) name=$2 ;;
        --labels) labels=$2 ;;
        --slots) slots=$2 ;;
      esac
      shift 2
      ;;
    --no-service) wants_service=no && shift ;;
    --uninstall) is_uninstall=yes && shift ;;
    -h | --help) usage && exit 0 ;;
    *) die "unknown option: $1" 'infra/install.sh --help' 64 ;;
  esac
done
case $slots in
  '' | *[!0-9]* | 0) die "--slots is a number from 1, not $slots" 'infra/install.sh --help' 64 ;;
esac

[ -n "${HOME:-}" ] || die 'HOME is not set' 'export HOME, then again'
folder=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
home=$HOME/.nightshift
command=$home/bin/nightshift
units=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user
unit=nightshift-agent.service

has_service_manager() {
  command -v systemctl >/dev/null 2>&1 && systemctl --user show-environment >/dev/null 2>&1
}

if [ "$is_uninstall" = yes ]; then
  if [ -e "$units/$unit" ]; then
    # Only the agent ends: a job that runs is finished by its runner, and kept for the next agent.
    if has_service_manager; then
      systemctl --user disable --now "$unit" >/dev/null 2>&1 || true
    fi
    rm -rf "${units:?}/$unit" "${units:?}/$unit.d"
    if has_service_manager; then systemctl --user daemon-reload; fi
  fi
  rm -f "$command"
  rmdir "$home/bin" 2>/dev/null || true
  say "The service and $command are gone."
  if [ -e "$home/agent" ]; then
    say "What the box had stays in $home/agent: jobs, credential, caches. Remove it when no job runs and the box is removed:"
    say "  nightshift boxes remove NAME; rm -rf $home/agent"
  fi
  exit 0
fi

node=$(command -v node || true)
[ -n "$node" ] || die 'there is no node on the PATH' 'install Node 24: https://nodejs.org/en/download'
major=$("$node" -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 20 ] || die "Nightshift needs Node 20 or newer; this is $("$node" --version)" 'install Node 24: https://nodejs.org/en/download'

if [ ! -e "$folder/cli/dist/main.js" ]; then
  say "Building in $folder"
  (cd "$folder" && npm ci)
fi

mkdir -p "$home/bin"
chmod 700 "$home"
# Whole paths: a service has a PATH of its own, without the node of a version manager.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }
printf '#!/bin/sh\nexec %s %s "$@"\n' "$(quoted "$node")" "$(quoted "$folder/cli/bin/nightshift.js")" >"$command.new"
chmod 755 "$command.new"
mv -f "$command.new" "$command"
say "The command is $command"

if [ -e "$home/agent/agent.json" ]; then
  [ -z "$token" ] || say 'This box is enrolled already; its credential stays.'
elif [ -n "$server" ] && [ -n "$token" ]; then
  set -- --server "$server" --token "$token" --home "$home/agent"
  [ -z "$name" ] || set -- "$@" --name "$name"
  [ -z "$labels" ] || set -- "$@" --labels "$labels"
  "$command" agent enrol "$@"
else
  say 'This box is not enrolled yet. On the control plane: nightshift boxes enrol. Then here:'
  say "  $command agent enrol --server URL --token TOKEN --home $home/agent"
fi

if [ "$wants_service" = yes ] && has_service_manager; then
  mkdir -p "$units/$unit.d"
  cp "$folder/infra/systemd/$unit" "$units/$unit"
  # systemd takes % for a specifier, and a line break would begin a setting of its own.
  path=$(printf '%s' "$PATH" | tr -d '\n' | sed 's/%/%%/g; s/\\/\\\\/g; s/"/\\"/g')
  {
    say '[Service]'
    say '# Jobs see this PATH: what they are started with by hand is what they find here.'
    say "Environment=\"PATH=$path\""
    say 'ExecStart='
    say "ExecStart=%h/.nightshift/bin/nightshift agent run --home %h/.nightshift/agent --slots $slots"
  } >"$units/$unit.d/install.conf"
  systemctl --user daemon-reload
  systemctl --user enable "$unit" >/dev/null 2>&1
  if [ -e "$home/agent/agent.json" ]; then
    systemctl --user restart "$unit"
    say "The agent runs as the service $unit: systemctl --user status $unit"
  else
    say "The service $unit starts when the box is enrolled: systemctl --user start $unit"
  fi
  user=$(id -un)
  if [ "$(loginctl show-user "$user" --property=Linger --value 2>/dev/null || true)" != yes ]; then
    say 'It ends when you log out, and does not start with the machine, until you allow it once:'
    say "  loginctl enable-linger $user"
  fi
else
  [ "$wants_service" = no ] || say 'There is no systemd for users here.'
  say 'Start the agent in something that outlives your login, tmux for one:'
  say "  tmux new-session -d -s nightshift $command agent run --home $home/agent --slots $slots"
  say 'and with the machine, by a line of crontab -e:'
  say "  @reboot $command agent run --home $home/agent --slots $slots"
fi

if ! "$command" agent doctor --home "$home/agent"; then
  say 'Put right what failed above; jobs may not run before.'
fi
