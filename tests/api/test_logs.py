"""The mail log over HTTP: each line with its fields and as the text log has it."""
from harness.client import send_message

CONTENT = "Subject: Info: x ': \u202e<script>\\\r\n\r\nbody".encode()


def test_lines_are_those_of_the_text_log(make_api):
    api = make_api()
    assert send_message(api.gateway.private, CONTENT).code == 250
    api.gateway.mail_logs.wait(r"Message finished MID \d+ done")
    api.gateway.mail_json.wait("mid_finished")

    answer = api.administrator.get("/logs/mail", limit=1000)
    assert answer.status == 200, answer
    items = answer.json["items"]
    texts = [item["text"] for item in reversed(items)]
    written = api.gateway.mail_logs.texts()
    assert texts == written[:len(texts)]
    assert any(text.startswith("MID 1 Subject 'Info: x ") for text in texts)


def test_line_of_another_version(make_api, tmp_path):
    api = make_api()
    with open(api.gateway.mail_json.path, "a", encoding="utf-8") as log:
        log.write('{"time":"2026-01-31T12:00:00.000Z","level":"Info","event":"not_yet","text":"forged"}\n')
    item = api.administrator.get("/logs/mail", q="not_yet", limit=1).json["items"][0]
    assert (item["event"], item["text"]) == ("not_yet", "")
