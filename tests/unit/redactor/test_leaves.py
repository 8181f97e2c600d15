"""Every text of a request is read and written back in its place."""

from services.redactor.leaves import Json, rewritten, texts

PAYLOAD: dict[str, Json] = {
    "messages": [
        {"role": "user", "content": "a", "name": "b"},
        {"role": "user", "content": ["c", {"type": "text", "text": "d"}, 3, None, True]},
    ],
    "metadata": {"Anders Hansen": "e", "kunde_nr": "f"},
}


def test_every_text_is_read_and_words_of_the_contract_are_not() -> None:
    assert list(texts(PAYLOAD)) == ["a", "b", "c", "d", "Anders Hansen", "e", "f"]


def test_texts_go_back_to_their_places() -> None:
    new = [text.upper() for text in texts(PAYLOAD)]

    assert rewritten(PAYLOAD, new) == {
        "messages": [
            {"role": "user", "content": "A", "name": "B"},
            {"role": "user", "content": ["C", {"type": "text", "text": "D"}, 3, None, True]},
        ],
        "metadata": {"ANDERS HANSEN": "E", "kunde_nr": "F"},
    }
