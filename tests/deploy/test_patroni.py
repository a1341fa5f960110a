"""The settings for Patroni: accepted by it, and two databases that run with them."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from agenda.prove.ports import free_port
from agenda.prove.postgres import packaged
from tests.deploy.cluster import Cluster, environment, running, settings
from tests.deploy.page import commands, run
from tests.deploy.shipped import CONTAINER, read
from tests.ha.etcd import program as etcd_program
from tests.ha.patroni import AGREED, POSTGRES

pytestmark = pytest.mark.skipif(
    packaged() is None or etcd_program() is None, reason="PostgreSQL or etcd are not packaged for this system"
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.mark.slow  # it asks etcd, too
def test_patroni_accepts_its_settings(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "patroni.yml"
    file.write_text(yaml.safe_dump(settings(tmp_path, "192.0.2.1", 5432, cluster.etcd)), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "patroni", "--validate-config", "--ignore-listen-port", str(file)],
        env=environment("database1", "192.0.2.1", 5432, tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_what_is_shipped_is_what_the_tests_of_high_availability_break() -> None:
    shipped = read(CONTAINER / "patroni.yml")["bootstrap"]["dcs"]
    both = [name for name in POSTGRES if name in shipped["postgresql"]["parameters"] and name != "shared_buffers"]
    assert {**shipped, "postgresql": None} == {**AGREED, "postgresql": None}
    assert {name: shipped["postgresql"]["parameters"][name] for name in both} == {name: POSTGRES[name] for name in both}
    assert len(both) > 8


def test_no_time_of_patroni_is_longer_than_it_can_keep() -> None:
    agreed = read(CONTAINER / "patroni.yml")["bootstrap"]["dcs"]
    assert agreed["loop_wait"] + 2 * agreed["retry_timeout"] <= agreed["ttl"]


@pytest.mark.slow
def test_a_node_makes_what_it_needs_in_the_database_and_commits_wait_for_a_standby(cluster: Cluster) -> None:
    with cluster.connect("agenda", "AGENDA_DATABASE_PASSWORD", "agenda") as connection:
        connection.execute("CREATE EXTENSION btree_gist")
        connection.execute("CREATE TABLE made (id integer PRIMARY KEY)")
        connection.execute("INSERT INTO made VALUES (1)")
        held = connection.execute("SHOW synchronous_standby_names").fetchone()
    assert held is not None
    assert held[0] != ""


@pytest.mark.slow
def test_a_copy_of_the_cluster_is_recovered_to_a_moment(cluster: Cluster, tmp_path: Path) -> None:
    known, port = cluster.surroundings(), str(free_port())
    base, _ = commands("Keeping the log, for any moment")
    [recovery] = commands("Recovery to a moment")
    run(base, tmp_path, known, {})
    with cluster.connect("agenda", "AGENDA_DATABASE_PASSWORD", "agenda") as connection:
        connection.execute("CREATE TABLE dropped_by_mistake (id integer)")
        moment = connection.execute("SELECT clock_timestamp()::text").fetchone()
        connection.execute("DROP TABLE dropped_by_mistake")
    cluster.finish_log()
    assert moment
    del known["PGPORT"]  # which the server would take for its own
    values = {"BASE": f"base-{time.strftime('%F')}", "MOMENT": moment[0]}
    try:
        run(recovery, tmp_path, known | values, {"5433": port})
    finally:
        with suppress(RuntimeError):  # it runs on where the recovery failed half-way
            run("pg_ctl stop --pgdata=recovered --mode=immediate", tmp_path, known, {})
    assert "dropped_by_mistake" in run("pg_restore --list recovered.dump", tmp_path, known, {})


@pytest.mark.slow
def test_nobody_gets_in_without_the_password(cluster: Cluster) -> None:
    with pytest.raises(Exception, match="password authentication failed"):
        cluster.connect("agenda", "PATRONI_REWIND_PASSWORD", "agenda")
