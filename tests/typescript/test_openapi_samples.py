"""The TypeScript samples of OpenAPI documents compile."""

from pathlib import Path

from segforge import Catalog
from segforge.emit.openapi.document import document
from tests.emit.made_up import made_up_models
from tests.emit.test_openapi_samples import samples
from tests.typescript.conftest import node, tool


def test_samples_compile(catalog: Catalog, project: Path) -> None:
    found = samples(document(catalog.gateway, (*catalog.models, *made_up_models())), "TypeScript")
    files = [f"sample-{number}.ts" for number in range(len(found))]
    for file, source in zip(files, found.values(), strict=True):
        (project / file).write_text(source, "utf-8")
    options = ["--strict", "--noEmit", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"]
    run = node(tool("typescript", "tsc"), *options, *files, cwd=project)
    assert run.returncode == 0, run.stdout
