"""A project with small notebooks that look like executed ones, to put books together from."""

from __future__ import annotations

import base64
import io
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
from matplotlib import pyplot as plt
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mlsci.report import claims, files, machine, paths, provenance, style
from mlsci.report.paths import Profile
from workflow import book_records

CHECKOUT = Path(__file__).resolve().parents[2]
STAGE = "aeflow/toy"
WIDE = (
    '<div><table class="dataframe" border="1"><thead><tr>'
    + "".join(f"<th>column {number}</th>" for number in range(20))
    + "</tr></thead><tbody><tr>"
    + "".join(f"<td>{number}</td>" for number in range(20))
    + "</tr></tbody></table></div>"
)
"""A table as pandas writes it, wider than a telephone."""


def png() -> bytes:
    """A figure in the project's style."""
    with plt.rc_context(style.settings()):
        figure, axes = plt.subplots(figsize=(5, 3))
        for number in range(4):
            axes.plot([0, 1, 2], [number, number * 2, number + 1], label=f"line {number}")
        axes.set(xlabel="a quantity", ylabel="another", title="A figure")
        axes.legend()
        content = io.BytesIO()
        figure.savefig(content, format="png")
        plt.close(figure)
    return content.getvalue()


def stage_seal(profile: Profile, upstream: dict[str, str] | None = None) -> dict[str, Any]:
    """Seal a toy stage, as the workflow would, and return the seal."""
    folder = paths.derived(profile) / STAGE
    files.write_bytes(folder / "weights.bin", b"weights")
    outputs = {"weights.bin": files.record(folder / "weights.bin")}
    inputs = {
        "params": {"seed": 0, "epochs": 2},
        "sources": {"generative/autoencoder.py": "0" * 64},
        "data": {"digits": "1" * 64},
        "upstream": upstream or {},
    }
    sealed: dict[str, Any] = {
        "schema": 1,
        "stage": STAGE,
        "profile": profile,
        "inputs": inputs,
        "key": files.digest(inputs),
        "outputs": outputs,
        "content": files.digest(outputs),
        "seed": 0,
        "record": {
            "finished": machine.now(),
            "commit": machine.commit(),
            "versions": machine.versions(),
            "machine": machine.describe(),
            "wall_seconds": 61.2,
            "cpu_seconds": 118.0,
            "peak_memory_mb": 512.0,
        },
    }
    sealed["seal"] = files.digest({k: sealed[k] for k in ("stage", "profile", "key", "outputs")})
    files.write_json(folder / "seal.json", sealed)
    return sealed


def notebook(name: str, profile: Profile, image: bytes, seals: dict[str, str]) -> None:
    """Write the three files of an executed notebook, and its script."""
    chapter = name.partition("-")[0]
    section = name.partition("-")[2].replace("-", "_")
    about = {
        "figure": "toy",
        "caption": "Four lines with $y = a x + b$; see {eq}`eq-ae`.",
        "alt": f'Four "coloured" lines: they rise # drawn by <{name}>',
    }
    claim = claims.make(
        f"{chapter}.{section}_distance",
        12.91,
        error=0.41,
        published=13.4,
        source="@boehm2020pae, table 1",
        target="<= 14",
        unit="nats",
        description="Distance of samples, $d_F^2$ < all others",
        notebook=name,
        profile=profile,
        seal=seals,
    )
    missed = claims.make(
        f"{chapter}.{section}_missed",
        3,
        target="> 20",
        notebook=name,
        profile=profile,
        seal=seals,
    )
    cells = [
        new_markdown_cell(
            f"# The toy notebook {name}\n\n"
            "A question, with $x^2$ and {cite:p}`kingma2014vae`.\n\n"
            "$$\n\\E_x\\,\\lVert x \\rVert^2 = \\tr \\Sigma\n$$"
        ),
        new_code_cell(
            f'profile = "{profile}"\nseed = 0', execution_count=1, metadata={"tags": ["parameters"]}
        ),
        new_code_cell(
            f'profile = "{profile}"',
            execution_count=2,
            metadata={"tags": ["injected-parameters"]},
        ),
        new_markdown_cell("## A picture\n\nWhat to see in it."),
        new_code_cell(
            "nb.figure(figure, 'toy', caption=text, alt=words)  # longer than a telephone is wide",
            execution_count=3,
            outputs=[
                new_output(
                    "display_data",
                    data={
                        "image/png": base64.b64encode(image).decode(),
                        "text/plain": "<figure toy>",
                    },
                    metadata={"mlsci": about},
                )
            ],
            metadata={
                "mystnb": {
                    "figure": {"name": f"fig-{name}-toy", "caption": about["caption"]},
                    "image": {"alt": about["alt"], "classes": "dark-light"},
                }
            },
        ),
        new_code_cell(
            "nb.claim(key, value)",
            execution_count=4,
            outputs=[
                new_output("stream", text=f"{claim['key']}: {claim['text']}\n" + "x" * 150),
                new_output("display_data", data={"text/html": WIDE, "text/plain": "a table"}),
                new_output(
                    "display_data",
                    data={"application/papermill.record/text/plain": repr(claim["text"])},
                    metadata={
                        "scrapbook": {
                            "name": claim["key"],
                            "mime_prefix": "application/papermill.record/",
                        }
                    },
                ),
            ],
        ),
        new_markdown_cell(
            f"See {{numref}}`fig-{name}-toy`: {{glue:text}}`{claim['key']}`, "
            f"that is {{claim}}`{claim['key']}`."
        ),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    script = paths.root() / "notebooks" / f"{name}.py"
    files.write_bytes(script, f"# %% [markdown]\n# # The toy notebook {name}\n".encode())
    origin = provenance.describe(script, profile, {"profile": profile}, 0, seals)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = new_notebook(cells=cells, metadata={"kernelspec": kernel, "mlsci": origin})
    folder = paths.notebooks(profile)
    files.write_bytes(folder / f"{name}.ipynb", nbformat.writes(content).encode())
    metrics = {
        "schema": 1,
        "notebook": name,
        "profile": profile,
        "seed": 0,
        "claims": [claim, missed],
        "figures": [
            {"name": "toy", "caption": about["caption"], "alt": about["alt"], "seal": seals}
        ],
        "artefacts": seals,
    }
    files.write_json(folder / f"{name}.metrics.json", metrics)
    seal(name, profile, origin)


def seal(name: str, profile: Profile, origin: dict[str, Any] | None = None) -> None:
    """Seal what is now in a notebook's files."""
    folder = paths.notebooks(profile)
    old = files.read_json(provenance.seal_file(name, profile))
    outputs = {
        paths.relative(path): files.record(path)
        for path in (folder / f"{name}.ipynb", folder / f"{name}.metrics.json")
    }
    provenance.write_seal(
        origin or old["provenance"],
        "2" * 64,
        outputs,
        {
            "execution_seconds": 3.2,
            "finished": machine.now(),
            "machine": machine.describe(),
            "claims": 2,
            "figures": 1,
        },
    )


def project(root: Path, profile: Profile) -> Path:
    """Make a project below `root` with the checkout's book and toy notebooks; return its root.

    The caller names it in MLSCI_HOME first.
    """
    assert paths.root() == root.resolve()
    (root / "notebooks").mkdir(parents=True, exist_ok=True)
    shutil.copy(CHECKOUT / "pyproject.toml", root)
    shutil.copy(CHECKOUT / "_config.yml", root)
    shutil.copytree(CHECKOUT / "book", root / "book", dirs_exist_ok=True)
    for page in (root / "book").rglob("*.md"):  # toy notebooks do not claim what pages cite
        text = page.read_text("utf-8")
        page.write_text(re.sub(r"\{claim\}`[^`]+`", "a number", text), "utf-8")
    seals = {STAGE: stage_seal(profile)["seal"]}
    image = png()
    for name in book_records.toc_notebooks(root / "book" / "_toc.yml"):
        notebook(name, profile, image, seals)
    return root
