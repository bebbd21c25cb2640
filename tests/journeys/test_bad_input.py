"""What cannot be used is refused with the place, the reason and the way out; and nothing is left behind."""

import contextlib
import csv
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

import pytest
from journey_parts import edit, query, served, start, tree, volant

GOOD = "day,heat,rain,sales\n" + "".join(f"2026-01-{day:02},{day}.5,{day % 3},{day * 7 % 11}\n" for day in range(1, 31))


def broken(line, text):
    """The good file with one line replaced."""
    lines = GOOD.splitlines()
    lines[line] = text
    return "\n".join(lines) + "\n"


def column(name, value):
    """The good file with another value in every row of a column."""
    head, *rows = (line.split(",") for line in GOOD.splitlines())
    place = head.index(name)
    return "\n".join(",".join(cells) for cells in [head, *([*row[:place], value, *row[place + 1 :]] for row in rows)]) + "\n"


UNUSABLE = {
    "an empty file": (b"", 2, "empty"),
    "a header only": (b"day,heat,rain,sales\n", 2, "row"),
    "a column named twice": (GOOD.replace("day,heat,rain", "day,heat,heat").encode(), 2, "heat"),
    "no target": (GOOD.replace(",sales\n", ",profit\n", 1).encode(), 2, "sales"),
    "a constant target": (column("sales", "5").encode(), 2, "sales"),
    "an empty target": (column("sales", "").encode(), 2, "sales"),
    "three rows": ("\n".join(GOOD.splitlines()[:4]).encode() + b"\n", 2, "3"),
    "bytes that are no UTF-8": (broken(3, "2026-01-03,\xe9,0,10").encode("latin-1"), 2, "UTF-8"),
    "a ragged line": (broken(7, "2026-01-07,7.5,1,5,9,9").encode(), 2, "line 8"),
    "an open quote": (broken(7, '2026-01-07,"7.5,1,5').encode(), 2, "after line 7"),
    "a NUL byte": (broken(7, "2026-01-07,7\x00.5,1,5").encode(), 2, "NUL byte"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_init_refuses_a_file_it_cannot_learn_from_and_writes_nothing(case, tmp_path):
    content, code, word = UNUSABLE[case]
    (tmp_path / "shop.csv").write_bytes(content)
    before = tree(tmp_path)
    done = volant(tmp_path, "init", "shop", "--data", "shop.csv", "--target", "sales", "--time", "day", expect=code)
    said = " ".join(str(done.error[part]) for part in ("what", "found", "next", "details"))
    assert word in said, said
    assert done.error["next"], said
    assert "Traceback" not in done.out + done.err
    assert tree(tmp_path) == before


def test_init_names_a_file_or_a_target_that_is_not_there(tmp_path):
    missing = volant(tmp_path, "init", "shop", "--data", "shopp.csv", "--target", "sales", expect=5)
    assert "shopp.csv" in missing.error["what"]
    (tmp_path / "shop.csv").write_text(GOOD)
    folder = volant(tmp_path, "init", "shop", "--data", ".", "--target", "sales", expect=2)
    assert folder.error["next"]
    near = volant(tmp_path, "init", "shop", "--data", "shop.csv", "--target", "slaes", expect=2)
    assert "sales" in near.out
    for name in ("../shop", "", "a b/c", "-x"):
        assert volant(tmp_path, "init", "--data", "shop.csv", "--target", "sales", "--", name, expect=None).code == 2
    assert list(tree(tmp_path)) == ["shop.csv"]
    volant(tmp_path, "init", "shop", "--data", "shop.csv", "--target", "sales")
    before = tree(tmp_path)
    assert volant(tmp_path, "init", "shop", "--data", "shop.csv", "--target", "sales", expect=6).error["next"]
    assert tree(tmp_path) == before


def test_a_column_without_any_value_is_named_and_left_out(tmp_path):
    (tmp_path / "shop.csv").write_text(column("heat", ""))
    made = volant(tmp_path, "init", "shop", "--data", "shop.csv", "--target", "sales", "--time", "day").json
    assert "heat" in str(made["warnings"]) + str(made["guesses"])
    assert volant(tmp_path / "shop", "run", expect=None).json["version"] == 1


GONE_WRONG = {
    "a missing file": (None, 5, "example.csv"),
    "an empty file": (b"", 2, "empty"),
    "a ragged line": (b"hour,temperature,weather,open,demand\n2026-01-05T00:00:00,5.3\n", 2, "line 2"),
    "no target": (b"hour,temperature,weather,open\n2026-01-05T00:00:00,5.3,sun,true\n", 2, "demand"),
}


@pytest.mark.parametrize("case", GONE_WRONG)
def test_a_run_over_a_source_that_went_bad_says_so_and_leaves_what_was(plain_trained, case):
    content, code, word = GONE_WRONG[case]
    source = plain_trained / "data" / "example.csv"
    source.unlink()
    if content is not None:
        source.write_bytes(content)
    before = query(plain_trained, "select * from model_version"), query(plain_trained, "select * from event")
    done = volant(plain_trained, "run", expect=code)
    said = " ".join(str(done.error[part]) for part in ("what", "found", "next", "details"))
    assert word in said, said
    assert (query(plain_trained, "select * from model_version"), query(plain_trained, "select * from event")) == before
    assert "RUNNING" not in str(query(plain_trained, "select status from run"))


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ("metric: mae\n", "metric: maee\n", "mae"),
        ("  label_delay: 1d", "  label_dealy: 1d", "label_delay"),
        ("target: demand", "target: [", "line"),
        ("  seed: 7", "  seed: seven", "seed"),
        ("version: 1", "version: 99", "version"),
        ("  time: hour", "  time: horu", "horu"),
    ],
)
def test_a_volant_yaml_with_a_mistake_is_refused_before_anything_is_written(plain, before, after, word):
    edit(plain / "volant.yaml", before, after) if before in (plain / "volant.yaml").read_text() else edit(
        plain / "volant.yaml", before.strip(), after.strip()
    )
    done = volant(plain, "run", expect=None)
    assert done.code == 2, done.out
    assert word in done.out
    assert done.error["next"]
    assert "Traceback" not in done.out + done.err


def test_a_step_that_raises_shows_its_own_traceback_and_its_inputs_and_the_next_run_resumes_there(plain):
    sound = (plain / "pipeline.py").read_text()
    (plain / "pipeline.py").write_text(
        sound.replace("    slots = features", '    raise RuntimeError("the oven is cold")\n    slots = features')
    )
    done = volant(plain, "run", expect=1)
    said = str(done.error)
    assert "model" in done.error["what"]
    assert "the oven is cold" in said
    assert "pipeline.py" in said
    assert "volant/pipelines" not in said  # the step's own frames, not ours
    assert "features" in said
    assert "target" in said
    ((status, error),) = query(plain, "select status, error from run")
    assert (status, "the oven is cold" in error) == ("FAILED", True)
    assert query(plain, "select count(*) from model_version") == [(0,)]

    (plain / "pipeline.py").write_text(sound)
    steps = {step["step"]: step["cached"] for step in volant(plain, "run").json["steps"]}
    assert steps == {"features": True, "model": False}


@pytest.mark.parametrize(("number", "everyone"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_a_run_that_is_told_to_stop_stops_and_is_on_record_as_killed(plain, number, everyone):
    slow = '    import time\n\n    open("begun", "w").close()\n    time.sleep(6)\n    slots = features'
    edit(plain / "pipeline.py", "    slots = features", slow)
    with start(plain, "run", start_new_session=True) as process:
        waits_for((plain / "begun").exists)
        (os.killpg if everyone else os.kill)(process.pid, number)
        _, err = process.communicate(timeout=120)
    assert process.returncode in {130, -signal.SIGTERM}
    assert b"Traceback" not in err, err.decode()
    waits_for(lambda: query(plain, "select status from run") == [("KILLED",)])
    edit(plain / "pipeline.py", "time.sleep(6)", "time.sleep(0)")
    assert volant(plain, "run").json["state"] == "proposed"


def waits_for(condition):
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_second_run_at_the_same_time_waits_for_the_first_and_finds_everything_done(plain):
    edit(plain / "pipeline.py", "    slots = features", "    import time\n\n    time.sleep(8)\n    slots = features")
    with start(plain, "run", "--json", "-q") as first:
        waits_for((plain / ".volant" / "run.lock").exists)
        time.sleep(0.3)
        with start(plain, "run", "--json") as second:
            out, err = second.communicate(timeout=120)
        first.communicate(timeout=120)
    assert "waiting for the run of process " in err.decode()
    assert all(step["cached"] for step in json.loads(out)["steps"])
    assert (first.returncode, second.returncode) == (0, 0)
    assert query(plain, "select count(*) from model_version") == [(1,)]


SCORED = "hour,temperature,weather,open\n2026-03-20T08:00:00,8.5,sun,true\n"
UNSCORABLE = {
    "no rows": (SCORED.splitlines()[0] + "\n", "no rows"),
    "a missing column": (SCORED.replace(",open", "").replace(",true", ""), "'open'"),
    "a text for a number": (SCORED.replace("8.5", "warm"), "'warm'"),
    "no key": (SCORED.replace("2026-03-20T08:00:00", ""), "hour"),
    "a repeated column": (SCORED.replace("temperature,weather", "weather,weather"), "weather"),
}


@pytest.mark.parametrize("case", UNSCORABLE)
def test_a_file_that_cannot_be_scored_is_refused_and_nothing_is_written_or_logged(plain_trained, case):
    content, word = UNSCORABLE[case]
    (plain_trained / "today.csv").write_text(content)
    done = volant(plain_trained, "predict", "toy@1", "--data", "today.csv", expect=2)
    assert word in str(done.error)
    assert done.error["next"]
    assert [path.name for path in plain_trained.glob("*.csv")] == ["today.csv"]
    assert query(plain_trained, "select count(*) from segment") == [(0,)]


def test_scoring_never_writes_over_its_data_and_keeps_how_instants_were_written(plain_trained):
    data = plain_trained / "today.csv"
    data.write_text(SCORED)
    for same in ("today.csv", str(data), "./data/../today.csv"):
        refused = volant(plain_trained, "predict", "toy@1", "--data", "today.csv", "--output", same, expect=2)
        assert "over the data" in refused.error["what"]
    assert data.read_text() == SCORED
    volant(plain_trained, "predict", "toy@1", "--data", "today.csv", "--output", "scored.csv")
    assert (plain_trained / "scored.csv").read_text().splitlines()[1].startswith("2026-03-20T08:00:00,8.5,sun,true,")


def test_columns_may_have_any_name(tmp_path):
    names = ["at", "key", "Größe (°C)", "prediction", "label", 'x"y', "select", "目标"]
    with (tmp_path / "dàta 目.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for n in range(200):
            row = [f"2026-01-{1 + n // 24:02}T{n % 24:02}:00:00", n, n % 30 / 2, n % 7, "xy"[n % 2], n % 3, ["a", "b,c", 'd"e', "é"][n % 4]]
            writer.writerow([*row, n % 7 * 3.5 + n % 30])
    volant(tmp_path, "init", "bikes", "--data", "dàta 目.csv", "--target", "目标", "--time", "at", "--key", "key")
    root = tmp_path / "bikes"
    assert volant(root, "run", expect=None).json["version"] == 1
    volant(root, "approve", "bikes@1", "--override", "--reason", "为什么")
    volant(root, "predict", "@champion", "--data", "../dàta 目.csv", "--output", "scored.csv", "--no-log")
    with (root / "scored.csv").open(newline="", encoding="utf-8") as file:
        scored = list(csv.DictReader(file))
    assert list(scored[0]) == [*names, "prediction_"]
    assert [int(row["prediction"]) for row in scored] == [n % 7 for n in range(200)]
    sent = {"at": "2026-01-01T00:00:00", "Größe (°C)": 0.0, "prediction": 0, "label": "x", 'x"y': 0, "select": "a", "key": 0}
    with served(root, log_folder=tmp_path) as server:
        server.until(server.serving)
        assert server.predict([sent])[0] == [float(scored[0]["prediction_"])]


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        (["replay", "--windows", "5", "--window-rows", "10"], 2, "not both"),
        (["replay", "--policy", "evry:2"], 2, "every:K"),
        (["run", "--set", "learning_rte=1"], 2, "did you mean learning_rate"),
        (["run", "--set", "learning_rate=fast"], 2, "float"),
        (["run", "--only", "feature"], None, "did you mean features"),
        (["why", "nothing"], None, "features, model"),
        (["predict", "toy@9", "--data", "data/example.csv"], 5, "versions 1"),
        (["predict", "@champion", "--data", "data/example.csv"], 5, "no champion yet"),
        (["approve", "other@1", "--reason", "x"], 5, "this project's model is toy"),
        (["approve", "toy@1", "--override", "--reason", " "], 2, "reason"),
        (["lineage", "dataset:toy@9"], 5, "versions 1"),
        (["up", "--port", "99999"], 2, "port"),
    ],
)
def test_what_is_asked_for_wrongly_is_answered_with_what_there_is(plain_trained, words, code, word):
    before = query(plain_trained, "select * from event")
    done = volant(plain_trained, *words, expect=None)
    assert done.code == code if code is not None else done.code in {2, 5}, done.out
    assert word in str(done.error).lower() + str(done.error)
    assert "Traceback" not in done.out + done.err
    assert before == query(plain_trained, "select * from event")


def test_labels_that_cannot_be_used_are_listed_with_line_and_reason(plain_trained):
    path = plain_trained / "truth.csv"
    path.write_text("hour,demand\n2026-03-20T08:00:00,5\nsoon,7\n2026-03-21T08:00:00,many\n2026-03-22T08:00:00,\n")
    done = volant(plain_trained, "labels", "add", "truth.csv").json
    assert (done["new"], done["unmatched"]) == (1, 1)
    assert [(problem["line"], problem["column"]) for problem in done["unusable"]] == [(3, "hour"), (4, "demand"), (5, "demand")]
    path.write_text("hour,demand\nsoon,7\n")
    assert volant(plain_trained, "labels", "add", "truth.csv", expect=3).json["new"] == 0
    assert volant(plain_trained, "labels", "add", "truth.csv", "--on", "temperature", expect=2).error["next"]
    assert volant(plain_trained, "labels", "add", "nothing.csv", expect=5).error["what"]


def test_a_port_in_use_ends_with_6_before_anything_is_started(plain):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = volant(plain, "up", "--port", str(port), expect=6)
    assert str(port) in done.error["what"]
    assert "--port" in done.error["next"]


def test_two_servers_on_one_store_both_serve_and_one_decides(plain_trained):
    volant(plain_trained, "approve", "toy@1", "--reason", "good")
    with served(plain_trained, log_folder=plain_trained.parent) as first:
        same = volant(plain_trained, "up", "--port", str(first.port), expect=6)
        assert f"pid {first.process.pid}" in str(same.error)
        with served(plain_trained, log_folder=plain_trained.parent) as second:
            assert (first.started["leads"], second.started["leads"]) == (True, False)
            assert str(first.process.pid) in second.started["leader"]
            row = {"hour": "2026-03-20T08:00:00", "temperature": 8.5, "weather": "cloud", "open": True}
            for server in (first, second):
                server.until(server.serving)
                assert server.predict([row])[0]
            assert first.stop() == 0
            second.until(lambda: second.ask("GET", "/api/v1/status")[2]["server"]["leads"], seconds=90)


def test_objects_that_cannot_be_read_are_said_to_be_so(plain_trained):
    objects = plain_trained / ".volant" / "objects"
    moved = objects.with_name("elsewhere")
    objects.rename(moved)
    gone = volant(plain_trained, "predict", "toy@1", "--data", "data/example.csv", expect=5)
    assert "lacks its manifest" in gone.error["what"]
    assert gone.error["next"]
    shutil.rmtree(objects, ignore_errors=True)
    objects.write_text("a file where the folder should be")
    blocked = volant(plain_trained, "run", expect=1)
    assert "objects" in str(blocked.error)
    assert blocked.error["next"]
    assert "Traceback" not in blocked.out
    objects.unlink()
    moved.rename(objects)
    damaged = next(
        path
        for path in objects.rglob("*")
        if path.is_file() and path.name == query(plain_trained, "select package from model_version")[0][0]
    )
    content = damaged.read_bytes()
    damaged.chmod(0o644)
    damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    said = volant(plain_trained, "predict", "toy@1", "--data", "data/example.csv", expect=1)
    assert "damaged" in said.error["what"]
    assert not (plain_trained / "data" / "example.predictions.csv").exists()


def test_a_damaged_database_is_said_to_be_damaged_by_every_command(plain_trained):
    path = plain_trained / ".volant" / "volant.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    content = path.read_bytes()
    path.write_bytes(b"not a database at all" * 500)
    for words in (["status"], ["run"], ["approve", "toy@1", "--reason", "x"], ["up", "--port", "0"], ["audit", "verify"]):
        done = volant(plain_trained, *words, expect=1)
        assert "volant.db" in str(done.error)
        assert done.error["next"]
        assert "Traceback" not in done.out + done.err
    for end in (".db-wal", ".db-shm"):
        path.with_suffix(end).unlink(missing_ok=True)
    path.write_bytes(content)
    assert volant(plain_trained, "status").json["newest"]["version"] == 1


def test_an_edited_or_cut_history_is_reported_by_audit_verify(plain_trained):
    assert volant(plain_trained, "audit", "verify").json["intact"]
    path = plain_trained / ".volant" / "volant.db"
    saved = path.with_suffix(".saved")
    for change in ("update event set actor = 'nobody' where seq = 1", "delete from event where stream like 'model/%'"):
        shutil.copy(path, saved)
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(change)
        done = volant(plain_trained, "audit", "verify", expect=1)
        assert not done.json["intact"]
        assert "model/toy" in str(done.json["damage"])
        shutil.copy(saved, path)
    assert volant(plain_trained, "audit", "verify").json["intact"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(place)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_stops_a_run_with_its_name_and_the_next_run_carries_on(plain, small_disk):
    root = shutil.copytree(plain, small_disk / "toy")
    fill(small_disk)
    done = volant(root, "run", expect=1)
    said = str(done.error)
    assert "No space left" in said or "full" in said, said
    assert done.error["next"]
    assert "Traceback" not in done.out
    (small_disk / "ballast").unlink()
    assert volant(root, "run").json["state"] == "proposed"
    assert volant(root, "audit", "verify").json["intact"]
    assert not list((root / ".volant" / "objects" / "tmp").iterdir())
    assert "RUNNING" not in str(query(root, "select status from run"))


def test_a_server_on_a_full_disk_refuses_instead_of_forgetting_and_recovers(plain_trained, small_disk):
    root = shutil.copytree(plain_trained, small_disk / "toy")
    volant(root, "approve", "toy@1", "--reason", "good")
    row = {"hour": "2026-03-20T08:00:00", "temperature": 8.5, "weather": "cloud", "open": True}
    with served(root, log_folder=plain_trained.parent) as server:
        server.until(server.serving)
        kept = [server.predict([row])[1]]
        fill(small_disk)
        status = None
        for _ in range(200):
            status, headers, body = server.post("/invocations", {"dataframe_records": [row] * 20})
            if status != 200:
                break
            kept.append(headers["x-volant-prediction-id"])
        assert status == 503, body
        (small_disk / "ballast").unlink()
        server.until(lambda: server.post("/invocations", {"dataframe_records": [row]})[0] == 200)
    for request in kept:
        assert volant(root, "lineage", f"{request}.0").json["prediction"]["version"] == 1


def fill(place):
    """Leave no room."""
    with (place / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
