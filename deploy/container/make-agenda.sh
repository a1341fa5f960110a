#!/bin/sh
# Makes the role and the database of the agenda on a new cluster; Patroni gives the URL of its superuser.
set -eu
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=password="$AGENDA_DATABASE_PASSWORD" "$1" <<'SQL'
CREATE ROLE agenda LOGIN PASSWORD :'password';
CREATE DATABASE agenda OWNER agenda;
SQL
