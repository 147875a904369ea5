"""Languages: the upstream's word, then CLD3, then script and small words."""

import pytest

from ingest.pipeline.language import tell

ENGLISH = "The president said on Friday that the talks with the union would go on."
TEXTS = [
    (ENGLISH, "en"),
    ("Der Bundestag hat am Freitag das neue Gesetz über die Häfen beschlossen, sagte der Minister.", "de"),
    ("El presidente dijo el viernes que las conversaciones con los sindicatos van a seguir.", "es"),
    ("प्रयागराज में पुलिस ने बाइक चोरों के एक ऐसे गैंग का भंडाफोड़ किया है", "hi"),
    ("四方安全对话关注中国，未共同谴责俄罗斯", "zh"),
    ("政府は金曜日に新しい港湾法を可決したと発表した", "ja"),
    ("정부는 금요일에 새로운 항만법을 통과시켰다고 발표했다", "ko"),
    ("Odisha CM Naveen Patnaik inaugurates 7 power projects worth ₹450 crore", "en"),
    ("justin.tv visits reddit", "en"),
    ("Barcelona 'open to two Frenkie de Jong swap deals' but not with Man Utd", "en"),
    ("500k Hard Disk de 1975", None),
    ("Tom Toles", None),
    ("", None),
    ("2022", None),
]


@pytest.mark.parametrize(("text", "language"), TEXTS)
def test_detection(text, language):
    assert tell(None, text) == language


@pytest.mark.parametrize(
    ("said", "language"),
    [("de", "de"), ("EN", "en"), ("pt-BR", "pt"), ("en_GB", "en"), ("iw", "he"), ("nb", "no"), ("fil", "tl")],
)
def test_the_upstreams_word_comes_first(said, language):
    assert tell(said, ENGLISH) == language


@pytest.mark.parametrize("said", ["", "und", "un", "english", "hi-Latn", "??", None])
def test_a_word_that_is_no_language_is_not_believed(said):
    assert tell(said, ENGLISH, None) == "en"
