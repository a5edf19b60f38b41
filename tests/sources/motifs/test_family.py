from __future__ import annotations

import pytest

from tfbs_hub.sources.motifs import jaspar_family


@pytest.mark.parametrize(("tf", "family"), [("GATA3", "C4-GATA-related"), ("gabpa", "Ets-related"), ("NOTAFACTOR", "")])
def test_the_family_is_jaspars_or_nothing(tf, family):
    assert jaspar_family(tf) == family
