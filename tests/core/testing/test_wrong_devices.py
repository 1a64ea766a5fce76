"""A device plugin with one fault breaks a law that names it, its plugin and its field."""

from __future__ import annotations

import pytest

from tests.core.testing.trial import Workshop
from tests.core.testing.wrong import check
from tests.core.testing.wrong_declaring import DECLARING
from tests.core.testing.wrong_layouts import LAYOUTS
from tests.core.testing.wrong_loading import LOADING
from tests.core.testing.wrong_saving import SAVING
from tests.core.testing.wrong_settings import SETTINGS

WRONG = {**LOADING, **SAVING, **LAYOUTS, **DECLARING, **SETTINGS}


@pytest.mark.parametrize("name", WRONG)
def test_a_fault_breaks_a_law_that_names_it(workshop: Workshop, name: str) -> None:
    check(workshop.device(WRONG[name].changes), WRONG[name])
