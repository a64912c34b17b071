"""The arithmetic of the benchmarks, and what they say when something was not measured."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
import redis

import bench.__main__
from bench import commands, drain, inflight, limits, memory, pipeline, playing, report, start
from bench.figures import Alone, Figure, answer, critical_path, floor, percentile
from bench.redis_commands import Seen, a_day, counted, longest_wait, watching
from bench.stub_api import stub_api
from services.model import StageName


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(50, 50.0), (95, 95.0), (99, 99.0), (100, 100.0), (0, 1.0), (0.5, 1.0)],
)
def test_percentile_is_a_value_that_was_measured(percent: float, expected: float) -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert percentile(values, percent) == expected


def test_percentile_of_a_few_never_flatters() -> None:
    assert percentile([1.0, 9.0], 95) == 9.0
    assert percentile([1.0, 2.0, 9.0], 50) == 2.0
    assert percentile([], 95) is None


def test_critical_path_takes_the_longer_branch() -> None:
    walls = {
        StageName.PROBE: 1.0,
        StageName.TRANSCRIBE: 20.0,
        StageName.THUMBNAILS: 3.0,
        StageName.ANALYZE: 2.0,
        StageName.CLIPS: 40.0,
        StageName.POSTS: 0.5,
    }
    assert critical_path(walls) == 63.0
    assert critical_path({**walls, StageName.THUMBNAILS: 99.0}) == 100.0
    assert critical_path({**walls, StageName.POSTS: 50.0}) == 73.0


def test_critical_path_without_the_stages_that_were_skipped() -> None:
    assert critical_path({StageName.PROBE: 1.0, StageName.THUMBNAILS: 3.0}) == 4.0


def test_floor_is_the_larger_of_spread_work_and_longest_path() -> None:
    alone = {
        StageName.PROBE: Alone(wall_s=1.0, cpu_s=1.0),
        StageName.TRANSCRIBE: Alone(wall_s=20.0, cpu_s=20.0),
        StageName.CLIPS: Alone(wall_s=30.0, cpu_s=59.0),
    }
    assert floor(alone, cores=1) == 80.0
    assert floor(alone, cores=2) == 51.0  # 80 / 2 is less than the path of 1 + 20 + 30


def test_answer_is_one_line_with_null_for_what_was_not_measured() -> None:
    figures: dict[str, Figure] = {"wall_s": 1.23456, "met": True, "stage_s": {"probe": 0.12345}, "floor_s": None}
    line = answer(figures)
    assert "\n" not in line
    assert json.loads(line) == {"wall_s": 1.235, "met": True, "stage_s": {"probe": 0.123}, "floor_s": None}


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_answer_refuses_what_is_no_number(wrong: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        answer({"wall_s": wrong})


def run(
    measure: report.Measure, capsys: pytest.CaptureFixture[str], words: Sequence[str] = ("--json",)
) -> tuple[int, str, str]:
    parser = argparse.ArgumentParser(prog="bench.example")
    code = report.run(parser, measure, names=("first_ms", "second_ms"), limits={"first_ms": 5.0}, words=words)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_benchmark_that_fails_half_way_tells_what_it_measured_and_null_for_the_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def measure(_: argparse.Namespace, figures: dict[str, Figure]) -> None:
        figures["first_ms"] = 4.0
        raise report.Wrong("nothing was made")

    code, out, err = run(measure, capsys)
    assert code == 1
    assert json.loads(out.splitlines()[-1]) == {"first_ms": 4.0, "second_ms": None}
    assert "bench.example failed: nothing was made" in err
    assert "not measured" in err


def test_the_table_judges_against_the_target(capsys: pytest.CaptureFixture[str]) -> None:
    def measure(arguments: argparse.Namespace, figures: dict[str, Figure]) -> None:
        figures["first_ms"] = 5.5

    code, out, err = run(measure, capsys, words=())
    assert code == 0
    assert out == ""  # without --json nothing but the table
    assert "target ≤ 5  MISSED" in err


def test_the_table_judges_a_lower_bound_the_other_way_round() -> None:
    least = {"stages_s": 2500.0}
    assert "target ≥ 2500  MISSED" in report.table({"stages_s": 2499.9}, {}, least)
    assert "target ≥ 2500  met" in report.table({"stages_s": 2500.0}, {}, least)
    unmeasured = report.table({"stages_s": None}, {}, least)
    assert "target ≥ 2500" in unmeasured
    assert "met" not in unmeasured
    assert "MISSED" not in unmeasured


def test_a_figure_that_the_benchmark_does_not_name_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    def measure(_: argparse.Namespace, figures: dict[str, Figure]) -> None:
        figures["third_ms"] = 1.0

    with pytest.raises(ValueError, match="third_ms"):
        run(measure, capsys)


def test_the_names_are_those_that_were_agreed() -> None:
    assert start.NAMES == ("accepted_p95_ms", "running_p50_ms", "running_p95_ms")
    assert set(pipeline.NAMES) == {
        "wall_s",
        "worker_peak_mib",
        "stage_s",
        "transcribe_realtime",
        "cpu_s",
        "critical_path_s",
        "floor_s",
        "ratio_to_floor",
    }
    assert set(inflight.NAMES) == {
        "peak_in_flight",
        "peak_running_rows",
        "wall_s",
        "workers_mib",
        "rq_jobs_s",
        "ratio_to_rq",
    }
    assert set(playing.NAMES) == {"server_growth_mib", "first_frame_ms", "seek_ms", "mib_s"}
    assert set(drain.NAMES) == {"stages_s", "rtt_ms", "procrastinate_s"}
    assert set(commands.NAMES) == {
        "idle_day",
        "idle_measured",
        "idle_minutes",
        "video",
        "page_view",
        "redis_mib",
        "rq_video",
    }
    assert {"p99_ms", "commands", "admitted", "limit", "worst_window"} <= set(limits.NAMES)
    for benchmark in (start, pipeline, playing, inflight, commands, limits):
        assert set(benchmark.LIMITS) <= set(benchmark.NAMES)
    assert set(inflight.LEAST) <= set(inflight.NAMES)


def seen(source: str, *times: float) -> list[Seen]:
    return [Seen(at=at, words=tuple(source.split())) for at in times]


def test_a_day_counts_a_slow_loop_from_burst_to_burst() -> None:
    # Two commands every 900 s, the last time 100 s before the twenty minutes: one burst falls into them.
    loop = seen("HSET worker", -100, -99.9, 800, 800.1) + seen("BLPOP queue", -99.8, 800.2)
    assert a_day(loop, began=0, ended=1200) == pytest.approx(3 * 86_400 / 900, rel=0.01)
    # A window in which two bursts fall tells the same.
    assert a_day(loop + seen("BLPOP queue", 1700.2), began=700, ended=1900) == pytest.approx(3 * 96, rel=0.01)


def test_a_day_leaves_the_start_out_and_takes_a_burst_without_a_second_at_the_pace_of_the_window() -> None:
    start_up = seen("SADD workers", -50, -49, -48)
    assert a_day(start_up, began=0, ended=1200) == 0
    assert a_day(start_up + seen("GETEX session", 600), began=0, ended=1200) == 72
    assert a_day(seen("GETEX session", *range(1, 1200, 2)), began=0, ended=1200) == pytest.approx(43_200, rel=0.01)


def test_the_longest_wait_is_that_of_a_blocking_pop() -> None:
    assert longest_wait(seen("BLPOP queue 900", 1) + seen("SET key 5000", 2)) == 900
    assert longest_wait(seen("SET key 5000", 1)) == 0


def test_commands_are_counted_without_those_of_whoever_measures(valkey_url: str) -> None:
    with redis.Redis.from_url(valkey_url) as client, watching(valkey_url) as watched:
        before = counted(client)
        with client.pipeline(transaction=True) as pipeline:
            pipeline.set("bench:a", 1)
            pipeline.set("bench:b", "two words")
            pipeline.execute()
        client.ping()
        client.config_get("appendonly")
        assert counted(client) - before == {"multi": 1, "set": 2, "exec": 1}
        deadline = time.monotonic() + 10
        while len(watched) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert [command.source for command in watched] == ["MULTI", "SET bench:a", "SET bench:b", "EXEC"]


def test_the_stub_api_counts_what_is_under_way() -> None:
    def call(address: str) -> int:
        connection = HTTPConnection(address, timeout=10)
        connection.request("POST", "/", b"{}")
        return connection.getresponse().status

    with stub_api(seconds=0.5) as api:
        with ThreadPoolExecutor(max_workers=5) as pool:
            calls = [pool.submit(call, api.address) for _ in range(5)]
            deadline = time.monotonic() + 10
            while api.counts().now < 5 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert [made.result() for made in calls] == [200] * 5
        call(api.address)
        assert vars(api.counts()) == {"now": 0, "peak": 5, "answered": 6}


def test_make_bench_runs_every_benchmark_in_the_folder() -> None:
    folder = Path(bench.__main__.__file__).parent
    found = {path.stem for path in folder.glob("*.py") if "def measure(" in path.read_text()}
    assert set(bench.__main__.BENCHMARKS) == found


def test_the_worst_window_is_the_fullest_of_all_that_roll() -> None:
    assert limits.worst_window([], window=10) == 0
    assert limits.worst_window([0, 9, 10, 11, 19, 30], window=10) == 3  # from 9, not from 0 or 10 alone
    assert limits.worst_window([0, 10, 20], window=10) == 1  # a window does not hold its end


def test_memory_of_a_tree_counts_the_children() -> None:
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    holder = "import sys; held = b'x' * 60_000_000; sys.stdout.write('held'); sys.stdout.flush(); sys.stdin.read()"
    with Popen([sys.executable, "-c", program, holder], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(4) == b"held"
        size = memory.tree_mib(process.pid)
        process.communicate()
    assert size is not None
    assert 57 < size < 120
    assert memory.tree_mib(process.pid) is None
    own = memory.tree_mib(os.getpid())
    assert own is not None
    assert own > 10
