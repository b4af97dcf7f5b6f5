"""A paid run against a gateway that bills, recorded by the mock and replayed offline, has the same verdict."""

import json
from pathlib import Path
from typing import Any

import pytest

from segforge import Catalog
from segforge.cli import main
from segforge_mock import create_app
from segforge_mock.http.endpoint import AsgiEndpoint
from segforge_mock.http.server import BackgroundServer
from segforge_mock.models.served import models_of_catalog
from segforge_mock.proxy.proxy import Proxy
from segforge_mock.recordings.folder import RecordingFolder
from segforge_mock.recordings.recorder import Recorder
from tests.contract.serving import serve
from tests.contract.standin import KEY, StandIn
from tests.seeds import seed_specs


def verdict(url: str, report: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, dict[str, Any]]:
    """Runs a campaign with a cap. Returns its exit code, and its report without times."""
    folder = report.with_suffix("")
    folder.mkdir()
    monkeypatch.chdir(folder)  # failures of the other run would be sent first
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    options = ("--specs", str(seed_specs()), "--models", "flux-img2img", "--max-examples", "0", "--seed", "3")
    code = main(["contract", "--target", url, *options, "--max-spend", "3", "--json", str(report)])
    document = json.loads(report.read_text("utf-8"))
    return code, {name: document[name] for name in ("rules", "failures", "money", "held_back")}


def test_a_recorded_paid_run_replays_with_the_same_verdict(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    models, folder = models_of_catalog(catalog), tmp_path / "recordings"
    with serve(StandIn(catalog, "refusal_debited", "key_in_error", "seed_ignored")) as upstream:
        recorder = Recorder(RecordingFolder(folder), upstream, (models.gateway.base_url,))
        with BackgroundServer(AsgiEndpoint(Proxy(upstream, models, lambda _: None, recorder=recorder))) as url:
            recorded = verdict(url, tmp_path / "a.json", monkeypatch)
    assert recorded[0] == 1
    broken = {failure["rule"] for failure in recorded[1]["failures"]}
    assert len(broken) < len(recorded[1]["rules"])
    assert recorded[1]["money"]["spent"] != "0"
    assert not any(KEY.encode() in file.read_bytes() for file in folder.rglob("*") if file.is_file())
    app = create_app(models=models, keys=[KEY], replay=folder, strict_replay=True)
    with BackgroundServer(app, port=int(url.rpartition(":")[2])) as again:
        assert again == url
        assert verdict(url, tmp_path / "b.json", monkeypatch) == recorded
