#!/bin/sh
# Runs a command line ($1) in the folder of this script. Told to end, it ends all that the line has
# started: nodes tell the process that they have started themselves, and no other. Which processes
# those are, their group tells. $2 says how the line gets one that is not the node's:
#   bash    its own; needs job control without a terminal, which other shells have not
#   setsid  ours; the line begins with SIGINT ignored then, as background processes do
#   none    none; what the line has started may go on
if [ -z "$2" ]; then
  if command -v bash >/dev/null; then exec bash "$0" "$1" bash; fi
  if command -v setsid >/dev/null; then exec setsid sh "$0" "$1" setsid; fi
  set -- "$1" none
fi
how=$2
end() {
  trap '' HUP INT TERM
  line=$!
  case $how$line in
    bash | setsid | none) exit 143 ;; # it was not started yet
    bash*) group=-$line ;;
    setsid*) group=0 ;;
    *) group=$line ;;
  esac
  kill -TERM "$group"
  { sleep 1 && kill -KILL "$group"; } >/dev/null &
  wait "$line"
  exit 143
}
cd "${0%/*}" || exit 126
# What shells say of signals is not the line's.
exec 3>&2 2>/dev/null
if [ "$how" = bash ]; then set -m; fi
trap end HUP INT TERM
/bin/sh -c "$1" </dev/null 2>&3 3>&- &
exec 3>&-
wait "$!"
exit
