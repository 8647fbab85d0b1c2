"""Claims, seals, figures and provenance: what the chapters share.

A notebook begins with ``nb = report.notebook("chapter-section", profile=profile, seed=seed)``;
a chapter declares its costly computations as `seal.Stage`.
"""

from mlsci.report import quiet
from mlsci.report.session import Session, notebook

__all__ = ["Session", "notebook"]

quiet.install()
