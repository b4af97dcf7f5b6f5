"""Takes the image of the contract tests' HTML report for the docs: `python -m tests.docs.report_shot docs`."""

import os
import sys
import tempfile
from pathlib import Path

from PIL import Image

from segforge.cli import main as segforge
from segforge_mock import Mock
from tests.typescript.conftest import TOOLS, execute

NAME = "contract-report.png"


def main(folder: Path) -> None:
    """Runs the command of docs/start/ci.md that finds failures, and writes the image of the top of its report."""
    with tempfile.TemporaryDirectory() as machine, Mock(time_scale=0, profile="observed") as mock:
        os.environ["SEGMIND_API_KEY"] = mock.key
        report = Path(machine) / "report.html"
        command = ["--target", mock.url, "--models", "flux-img2img", "--seed", "7", "--forget", "--html", str(report)]
        if segforge(["contract", *command]) != 1:
            sys.exit("the observed profile should break rules of the docs")
        text = report.read_text("utf-8").replace(mock.url, "http://127.0.0.1:8086")
        report.write_text(text, "utf-8")
        settings = {"TMPDIR": machine, "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x", "TOOLS": str(TOOLS)}
        script = Path(__file__).with_suffix(".mjs")
        shot = execute(
            *("node", str(script)),
            cwd=Path(machine),
            PAGE=report.as_uri(),
            SHOT=str((folder / NAME).resolve()),
            **settings,
        )
    if shot.returncode:
        sys.exit(shot.stderr)
    with Image.open(folder / NAME) as image:
        image.convert("RGB").quantize(64).save(folder / NAME, optimize=True)
    print(folder / NAME, (folder / NAME).stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
