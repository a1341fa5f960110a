#!/bin/sh
# PostgreSQL's archive_command: keeps a finished file of its log, `archive-wal.sh %p %f`; done only when it is on disk.
set -eu
archive=${AGENDA_WAL_ARCHIVE:-/srv/wal}
if [ -e "$archive/$2" ]; then
    # It was kept before and the answer got lost, or another server of the cluster kept it. Other content is refused.
    exec cmp --silent "$1" "$archive/$2"
fi
part="$archive/.$2.$$"
cp "$1" "$part"
sync "$part"
mv "$part" "$archive/$2"
sync "$archive"
