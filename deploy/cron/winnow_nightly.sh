#!/usr/bin/env bash
# Builds one date from cron: one run at a time, with a log, another try where one helps, an alert.
#
#   30 2 * * *  WINNOW_CONFIG=/data/winnow.yaml /opt/winnow/winnow_nightly.sh
#
# A date as the argument builds that one. Ends with the exit code of the build; with 4 where
# another run of this config is still at work. Settings, all from the environment:
#
#   WINNOW_CONFIG    the config (needed)
#   WINNOW           the command, by default winnow
#   WINNOW_OPTIONS   further words of the build, such as --engine sail
#   WINNOW_LAG_DAYS  how many days back, by default 2: then the clicks of the last impressions are in
#   WINNOW_ZONE      the calendar_zone of the config, by default UTC
#   WINNOW_LOG       the log, by default winnow.log beside the config
#   WINNOW_LOCK      the lock, by default the log with .lock behind it
#   WINNOW_TRIES     how often a build is tried that may be tried again, by default 3
#   WINNOW_PAUSE     seconds between tries, by default 300
#   WINNOW_ALERT     a command line that is run on failure; it is given in its environment
#                    WINNOW_DS, WINNOW_EXIT_CODE, WINNOW_MESSAGE and WINNOW_LOG
set -u

config=${WINNOW_CONFIG:?set it to the path of the config}
log=${WINNOW_LOG:-$(dirname "$config")/winnow.log}
lock=${WINNOW_LOCK:-$log.lock}
day=${1:-$(TZ=${WINNOW_ZONE:-UTC} date -d "${WINNOW_LAG_DAYS:-2} days ago" +%F)}
read -r -a options <<< "${WINNOW_OPTIONS:-}"

note() { printf '%s  %s\n' "$(date +'%F %T')" "$*" >> "$log"; }

# Data travel in the environment, never in the command line: what a log holds is never run.
fail() {  # exit code, message
    note "$day ended with $1: $2"
    if [ -n "${WINNOW_ALERT:-}" ]; then
        WINNOW_DS=$day WINNOW_EXIT_CODE=$1 WINNOW_MESSAGE=$2 WINNOW_LOG=$log \
            bash -c "$WINNOW_ALERT" >> "$log" 2>&1 9>&- || note "the alert command failed with $?"
    fi
    exit "$1"
}

exec 9>> "$lock" || fail 1 "the lock cannot be opened: $lock"
flock --nonblock 9 || fail 4 "another run of this config is still at work: $lock"

for try in $(seq "${WINNOW_TRIES:-3}"); do
    [ "$try" -eq 1 ] || sleep "${WINNOW_PAUSE:-300}"
    note "$day begins, try $try"
    before=$(stat -c %s "$log")
    "${WINNOW:-winnow}" build --config "$config" --ds "$day" "${options[@]}" >> "$log" 2>&1
    code=$?
    case $code in
        0) note "$day is done"; exit 0 ;;
        2 | 3) break ;;  # the same config and the same logs fail again: a person is needed
    esac
done

case $code in
    1) meaning="something went wrong" ;;
    2) meaning="the config or the arguments are wrong" ;;
    3) meaning="the logs broke a contract, or a gate failed; nothing was published" ;;
    4) meaning="another run releases the same date again and again" ;;
    *) meaning="it was killed" ;;
esac
fail "$code" "$meaning: $(tail -c "+$((before + 1))" "$log" | tail -n 3 | cut -c 1-1000)"
