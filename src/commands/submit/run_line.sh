#!/bin/sh
# Runs a command line ($1) in the folder of this script. Told to end, it ends all that the line has
# started: nodes tell the process they have started themselves, and no other.
if [ -z "$2" ]; then
  # Only bash gives background processes a group of their own without a terminal in all its
  # releases; elsewhere they are in ours, a new one, and begin with SIGINT ignored.
  if command -v bash >/dev/null; then exec bash "$0" "$1" again; fi
  if command -v setsid >/dev/null; then exec setsid sh "$0" "$1" again; fi
fi
end() {
  trap '' HUP INT TERM
  line=$!
  [ -n "$line" ] || exit 143
  case $- in *m*) group=-$line ;; *) group=0 ;; esac
  kill -TERM -- "$group"
  { sleep 1 && kill -KILL -- "$group"; } >/dev/null &
  wait "$line"
  exit 143
}
cd "${0%/*}" || exit 126
# What shells say of signals is not the line's.
exec 3>&2 2>/dev/null
set -m
trap end HUP INT TERM
/bin/sh -c "$1" </dev/null 2>&3 3>&- &
exec 3>&-
wait "$!"
exit
