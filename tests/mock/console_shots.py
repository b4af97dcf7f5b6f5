"""Takes the images of the console for the docs: `python -m tests.mock.console_shots docs`."""

import sys
import tempfile
from pathlib import Path

from PIL import Image

from segforge_mock import Mock
from tests.typescript.conftest import TOOLS, execute


def main(folder: Path) -> None:
    """Writes the images, and prints their sizes."""
    with tempfile.TemporaryDirectory() as machine, Mock(time_scale=0.01, media="full") as mock:
        settings = {"TMPDIR": machine, "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x", "TOOLS": str(TOOLS)}
        script = Path(__file__).with_suffix(".mjs")
        run = execute(
            "node", str(script), cwd=Path(machine), MOCK_URL=mock.url, SHOTS=str(folder.resolve()), **settings
        )
    if run.returncode:
        sys.exit(run.stderr)
    for path in sorted(folder.glob("console-*.png")):
        with Image.open(path) as image:
            image.convert("RGB").quantize(200).save(path, optimize=True)
        print(path, path.stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
