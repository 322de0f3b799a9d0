#!/bin/sh
# Runs a command line ($1) in a folder of its own ($2, below that of this script; empty: in that of
# this script itself), which is removed at its end. Told to end, it ends all that the line has
# started: nodes tell the process that they have started themselves, and no other. Which processes
# those are, their group tells. $3 says how the line gets one that is not the node's:
#   bash    its own; needs job control without a terminal, which other shells have not
#   setsid  ours; the line begins with SIGINT ignored then, as background processes do
#   none    none; what the line has started may go on
if [ -z "$3" ]; then
  if command -v bash >/dev/null; then exec bash "$0" "$1" "$2" bash; fi
  if command -v setsid >/dev/null; then exec setsid sh "$0" "$1" "$2" setsid; fi
  set -- "$1" "$2" none
fi
how=$3
folder=$2
# Puts a file that all lines share ($1) into the line's folder, unless the line brings its own.
link() {
  if [ -e "$1" ]; then return; fi
  case $1 in */*) mkdir -p "${1%/*}" ;; esac
  ln -s "$top/$1" "$1"
}
link_shared() { :; }
leave() {
  cd "$top" && if [ -n "$folder" ]; then rm -rf "$folder"; fi
  exit "$1"
}
end() {
  trap '' HUP INT TERM
  line=$!
  case $how$line in
    bash | setsid | none) leave 143 ;; # it was not started yet
    bash*) group=-$line ;;
    setsid*) group=0 ;;
    *) group=$line ;;
  esac
  kill -TERM "$group"
  { sleep 1 && kill -KILL "$group"; } >/dev/null &
  wait "$line"
  leave 143
}
cd "${0%/*}" || exit 126
top=$PWD
if [ -n "$folder" ]; then
  mkdir -p "$folder" && cd "$folder" && link_shared || exit 126
fi
# What shells say of signals is not the line's.
exec 3>&2 2>/dev/null
if [ "$how" = bash ]; then set -m; fi
trap end HUP INT TERM
/bin/sh -c "$1" </dev/null 2>&3 3>&- &
exec 3>&-
wait "$!"
leave "$?"
