"""compose.yaml runs what `make run` runs: the same programs with the same settings."""

from pathlib import Path
from typing import Any

import yaml

from platform_lab.supervisor.child import Service
from platform_lab.supervisor.plan import valkey_arguments, web_service, worker_service

ROOT = Path(__file__).resolve().parents[2]


def compose() -> dict[str, Any]:
    result: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return result


def arguments(service: Service) -> list[str]:
    """What follows the name of the interpreter."""
    return list(service.argv[1:])


def test_one_worker_serves_each_shard() -> None:
    services = compose()["services"]
    shards = int(services["web"]["environment"]["PLATFORM_LAB_SHARDS"])
    assert [name for name in services if name.startswith("sim-")] == [f"sim-{n}" for n in range(shards)]
    for number in range(shards):
        queue = f"sim.{number}"
        expected = worker_service(queue, queue, 1, "redis://valkey")
        assert services[f"sim-{number}"]["command"] == ["python", *arguments(expected)]
        assert expected.environment.items() <= services[f"sim-{number}"]["environment"].items()


def test_sweeps_have_their_own_worker() -> None:
    expected = worker_service("sweep", "sweep", 2, "redis://valkey")
    assert compose()["services"]["sweep"]["command"] == ["python", *arguments(expected)]


def test_the_web_process_has_the_same_limits() -> None:
    expected = arguments(web_service("web", 3, lambda: True, 65_536))
    place = expected.index("--fd")
    expected[place : place + 2] = ["-b", "0.0.0.0", "-p", "8000"]
    assert compose()["services"]["web"]["command"] == ["python", *expected]


def test_the_server_has_the_same_memory_rules() -> None:
    command = compose()["services"]["valkey"]["command"]
    ours = list(valkey_arguments(Path("v.sock"), Path()))
    for option in ("--save", "--appendonly", "--maxmemory", "--maxmemory-policy"):
        assert command[command.index(option) + 1] == ours[ours.index(option) + 1]
