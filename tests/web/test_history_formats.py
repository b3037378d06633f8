"""Reading histories: Jepsen logs, EDN, key-value logs and our own format; and what malformed files say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulations.engine.checks.history import History
from simulations.engine.checks.linearizability import Model, check
from simulations.histories import FORMATS, Fault, HistoryFormatError, written
from simulations.histories.checking import check_text, read_history
from simulations.histories.edn import Keyword, Reader, Symbol
from tests.engine.random_histories import random_history

JEPSEN = """\
INFO  jepsen.core - Everything is set up
INFO  jepsen.util - 0\t:invoke\t:write\t1
INFO  jepsen.util - :nemesis :info :start "cut off n1"
INFO  jepsen.util - 0 :ok :write 1
INFO  jepsen.util - 1\t:invoke\t:cas\t[1 2]
INFO  jepsen.util -   2  :invoke  :read  nil

INFO  jepsen.util - 1 :info :cas :timed-out
INFO  jepsen.util - 2 :fail :read :timed-out
INFO  jepsen.util - 2 :invoke :read nil
INFO  jepsen.util - 2 :ok :read 2
INFO  jepsen.util - 3 :invoke :cas [2 5]
INFO  jepsen.util - 3 :fail :cas [2 5]
"""

KNOSSOS = """\
; a lost write is seen, then something impossible
[{:process 0, :type :invoke, :f :write, :value 3}
 {:process 0 :type :info :f :write :value 3 :error "timeout; really"}
 {:process :nemesis, :type :info, :f :start, :value nil}
 #_ {:process 9, :type :nonsense}
 {:process 1, :type :invoke, :f :read, :value nil},
 #knossos.op.Op{:process 1, :type :ok, :f :read, :value 3, :time 12.5e3, :tags #{:a [1 (2 3)]}}
 {:process 2, :type :invoke, :f :read, :value nil}
 {:process 2, :type :ok, :f :read, :value 0}]
"""

KV = """\
{:process 0, :type :invoke, :f :append, :key "0", :value "x 0 0 y"}
{:process 1, :type :invoke, :f :get, :key "0", :value nil}
{:process 0, :type :ok, :f :append, :key "0", :value "x 0 0 y"}
{:process 1, :type :ok, :f :get, :key "0", :value ""}
{:process 1, :type :invoke, :f :get, :key "1", :value nil}
{:process 1, :type :ok, :f :get, :key "1", :value ""}
"""


def test_a_jepsen_log() -> None:
    answer = check_text(JEPSEN, format="jepsen-etcd")
    assert (answer["verdict"], answer["operations"], answer["model"]) == ("violated", 5, "cas-register")
    violation = answer["first_violation"]
    assert (violation["line"], violation["invoked_line"], violation["operation"]["kind"]) == (13, 12, "cas")
    assert read_history(JEPSEN, format="jepsen-etcd").faults == [
        Fault(1, ':nemesis :info :start "cut off n1"')
    ]


def test_a_knossos_history_and_the_index_of_what_cannot_be_placed() -> None:
    answer = check_text(KNOSSOS, format="knossos-edn")
    assert (answer["verdict"], answer["first_violation"]["index"]) == ("violated", 6)
    assert answer["first_violation"]["line"] == 9
    assert read_history(KNOSSOS, format="knossos-edn").faults == [Fault(2, "start")]
    parenthesised = KNOSSOS.replace("[{", "({").replace("0}]", "0})")
    assert check_text(parenthesised, format="knossos-edn")["first_violation"]["index"] == 6
    loose = KNOSSOS.replace("[{", "{").replace("0}]", "0}")
    assert check_text(loose, format="knossos-edn")["first_violation"]["index"] == 6


def test_a_failed_write_never_happened_for_knossos_and_a_read_of_nil_says_nothing() -> None:
    rows = [
        ("invoke", "write", "3"),
        ("fail", "write", "3"),
        ("invoke", "read", "nil"),
        ("ok", "read", "nil"),
    ]
    text = "".join(f"{{:process 0, :type :{t}, :f :{f}, :value {v}}}\n" for t, f, v in rows)
    assert check_text(text, format="knossos-edn")["verdict"] == "unknown"
    seen = text.replace(":type :ok, :f :read, :value nil", ":type :ok, :f :read, :value 3")
    assert check_text(seen, format="knossos-edn")["verdict"] == "violated"
    assert check_text(seen, format="knossos-edn", initial="3")["verdict"] == "holds"
    assert check_text(seen, format="knossos-edn", initial="nil")["verdict"] == "violated"


@pytest.mark.parametrize(("second", "answer"), [("fail", "holds"), ("ok", "violated"), ("info", "holds")])
def test_a_mutex(second: str, answer: str) -> None:
    rows = [(0, "invoke", "acquire"), (0, "ok", "acquire"), (1, "invoke", "acquire"), (1, second, "acquire")]
    rows += [(0, "invoke", "release"), (0, "ok", "release"), (2, "invoke", "acquire"), (2, "ok", "acquire")]
    text = "[" + "".join(f"{{:type :{t}, :f :{f}, :process {p}, :value nil}}\n" for p, t, f in rows) + "]"
    for model in (None, "mutex"):
        result = check_text(text, format="knossos-edn", model=model)
        assert (result["verdict"], result["model"]) == (answer, "mutex")


def test_a_key_value_log() -> None:
    assert check_text(KV, format="porcupine-kv")["verdict"] == "holds"
    wrong = KV.replace(':key "1", :value ""}', ':key "1", :value "x 0 0 y"}')
    assert check_text(wrong, format="porcupine-kv")["first_violation"]["line"] == 6


def test_values_may_be_maps() -> None:
    text = "".join(
        f"{{:process 0, :type :{t}, :f :{f}, :value {v}}}\n"
        for t, f, v in [
            ("invoke", "write", "{:a 1, :b [2 nil]}"),
            ("ok", "write", "{:a 1, :b [2 nil]}"),
            ("invoke", "read", "nil"),
            ("ok", "read", "{:b [2 nil] :a 1}"),
        ]
    )
    assert check_text(text, format="knossos-edn")["verdict"] == "holds"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("nil", None),
        ("-12", -12),
        ("7N", 7),
        ("1.5e3", 1500.0),
        ("2.50M", 2.5),
        ("1/3", "1/3"),
        ('"a\\n\\u0041;b"', "a\nA;b"),
        ("\\newline", "\n"),
        ("[1, 2 ;c\n (3)]", [1, 2, [3]]),
        ("{:a {:b true}}", {"a": {"b": True}}),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('#inst "2020"', "2020"),
        ("#{1 2}", [1, 2]),
        ("{[1 2] 3}", {"[1, 2]": 3}),
        ("[#_ #_ 1 2 3]", [3]),
    ],
)
def test_edn_values(text: str, value: Any) -> None:
    assert Reader(text).value() == value


def test_edn_words() -> None:
    keyword, symbol = Reader("[:read foo/bar]").value()
    assert (type(keyword), type(symbol)) == (Keyword, Symbol)


ENTRY = "{:process 0, :type :invoke, :f :read, :value nil}\n"


@pytest.mark.parametrize(
    ("format", "text", "line", "why"),
    [
        ("jepsen-etcd", "INFO  jepsen.util - 0 :invoke :read nil\ngarbage\n", 2, "not a log line"),
        ("jepsen-etcd", "INFO  jepsen.util - 0 :began :read nil\n", 1, ":invoke, :ok, :fail"),
        ("jepsen-etcd", "INFO  jepsen.util - 0 invoke read nil\n", 1, "type 'invoke' is not one of :invoke"),
        ("jepsen-etcd", "INFO  jepsen.util - x :invoke :read nil\n", 1, "expected <process>"),
        ("jepsen-etcd", "INFO  jepsen.util - 0 :invoke :read nil 4\n", 1, "expected <process>"),
        ("jepsen-etcd", "INFO  jepsen.util - 0 :invoke :pop nil\n", 1, ":read, :write, :cas"),
        ("jepsen-etcd", "INFO  jepsen.util - 0 :invoke :cas 3\n", 1, "[from to]"),
        ("jepsen-etcd", "INFO  jepsen.util - 0 :invoke :cas [1 2\n", 1, "never closed"),
        ("jepsen-etcd", "\nINFO  jepsen.util - 0 :ok :read 1\n", 2, "never invoked"),
        ("jepsen-etcd", "INFO  jepsen.util - 0\n", 1, "expected <process>"),
        ("knossos-edn", ENTRY + ENTRY, 2, "invokes again before its operation of line 1"),
        ("knossos-edn", ENTRY + ENTRY.replace("invoke", "ok").replace("read", "write"), 2, "completes a put"),
        ("knossos-edn", ENTRY + "{:process 0, :type :ok}\n", 2, ":f is missing"),
        ("knossos-edn", "[" + ENTRY, 1, "never closed"),
        ("knossos-edn", ENTRY + "{:process 0, :type :ok, :f :read, :value 1]\n", 2, "closed by ']'"),
        ("knossos-edn", ENTRY + "{:process 0, :type}\n", 2, "a value for every key"),
        ("knossos-edn", ENTRY + "12\n", 2, "an entry is a map"),
        ("knossos-edn", ENTRY.replace("read", "enqueue"), 1, ":f :enqueue is not one of"),
        ("knossos-edn", ENTRY.replace("nil", '"never'), 1, "closed by a quotation mark"),
        ("knossos-edn", "(" * 200, 1, "nested more than"),
        ("knossos-edn", ENTRY.replace("nil", "12x"), 1, "'12x' is not a number"),
        ("knossos-edn", "[" + 2000 * "#_" + "1]", 1, "nested more than"),
        ("knossos-edn", ENTRY.replace("read", "write").replace("nil", '"\\ud83d"'), 1, "half a character"),
        ("jepsen-etcd", "\nINFO  jepsen.util - 0 :invoke :write 1e999", 2, "not finite"),
        ("porcupine-kv", ENTRY.replace("read", "get"), 1, ":key is missing"),
        ("porcupine-kv", ENTRY.replace("read", "append").replace(":value", ":key 1 :value"), 1, "is text"),
        ("json", "{\n,", 2, "not JSON"),
        ("json", '{"format": 1,\n"initial": NaN, "operations": []}', 2, "NaN is not a number"),
        ("json", '{"format": 1,\n"initial": 1' + 5000 * "0" + ', "operations": []}', 2, "4300 digits"),
        ("json", '{"format": 1}', 1, "operations"),
        ("json", '{\n"format": 2,\n"operations": []}', 2, "format: 2 is not 1"),
        ("json", '{"format": 1, "operations": [],\n"model": "queue"}', 2, "'queue' is not one of"),
        ("json", '{"format": 1, "operations": [],\n"colour": 1}', 1, "unknown field `colour`"),
        ("json", '{"format": 1, "operations": [],\n"\\ud800": 1}', 2, "half a character"),
        ("json", '{"format": 1, "operations": [],\n"initial": [1e999]}', 2, "initial: a number that is not"),
    ],
)
def test_malformed_files_give_the_line_and_why(format: str, text: str, line: int, why: str) -> None:
    with pytest.raises(HistoryFormatError) as caught:
        FORMATS[format](text)
    assert (caught.value.line, why in caught.value.reason) == (line, True), str(caught.value)


OPERATION = {"id": 0, "client": "c", "key": "x", "kind": "put", "argument": 1, "invoked_us": 5}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kind": "pop"}, "kind: 'pop' is not one of get, put"),
        ({"outcome": "ok"}, "returned_us: missing"),
        ({"returned_us": 9}, "returned_us: given, but the outcome is pending"),
        ({"outcome": "ok", "returned_us": 4}, "before invoked_us"),
        ({"kind": "cas"}, "[expected, new]"),
        ({"kind": "append"}, "takes text"),
        ({"id": -1}, "must not be negative"),
        ({"id": 7}, "used twice"),
        ({"invoked_us": "soon"}, "invoked_us"),
        ({"colour": 1}, "colour"),
        ({"argument": [0, "\ud800"]}, "argument: half a character"),
        ({"client": "\udc00"}, "client: half a character"),
        ({"argument": json.loads(200 * "[" + 200 * "]")}, "argument: nested more than"),
    ],
)
def test_a_wrong_operation_is_named_with_its_line(changes: dict[str, Any], why: str) -> None:
    rows = [json.dumps(OPERATION | {"id": 7, "client": "d"}), json.dumps(OPERATION | changes)]
    text = '{"format": 1,\n"operations": [\n' + ",\n".join(rows) + "\n]}"
    with pytest.raises(HistoryFormatError) as caught:
        FORMATS["json"](text)
    assert caught.value.line == 4
    assert why in caught.value.reason
    assert "operations[1]" in caught.value.reason


@pytest.mark.parametrize(
    ("order", "why"),
    [([0], "name every"), ([-1, 0], "completes before"), ([0, -1, -1], "name every")],
)
def test_a_wrong_order_is_refused(order: list[int], why: str) -> None:
    operation = OPERATION | {"returned_us": 5, "outcome": "ok"}
    text = json.dumps({"format": 1, "operations": [operation], "order": order})
    with pytest.raises(HistoryFormatError, match=why):
        FORMATS["json"](text)


def test_our_format_keeps_everything() -> None:
    for seed in range(150):
        history, model = random_history(seed)
        faults = [Fault(3, "kill n1", 9)]
        parsed = FORMATS["json"](written(history, model, faults))
        assert (parsed.history, parsed.model, parsed.faults) == (history, model, faults)
        again = check(parsed.history, parsed.model)
        assert again == check(history, model)


def test_equal_times_are_concurrent_unless_the_order_says_more() -> None:
    put = OPERATION | {"returned_us": 10, "outcome": "ok"}
    get = OPERATION | {"id": 1, "kind": "get", "argument": None, "invoked_us": 10, "returned_us": 11}
    file: dict[str, Any] = {"format": 1, "operations": [put, get | {"outcome": "ok", "result": None}]}
    assert check_text(json.dumps(file), format="json")["verdict"] == "holds"
    file["order"] = [0, -1, 1, -2]
    assert check_text(json.dumps(file), format="json")["verdict"] == "violated"


def test_a_kind_that_the_model_does_not_have_is_refused() -> None:
    with pytest.raises(HistoryFormatError, match="cas is not an operation of model register") as caught:
        check_text(JEPSEN, format="jepsen-etcd", model="register")
    assert caught.value.line == 5


def test_wrong_arguments_name_the_field() -> None:
    for wrong, why in (
        ({"format": "yaml"}, "format: 'yaml' is not one of jepsen-etcd"),
        ({"format": "json", "model": "queue"}, "model: 'queue' is not one of"),
        ({"format": "json", "timeout_s": 0.0}, "timeout: 0"),
        ({"format": "json", "model": "mutex", "initial": "held"}, "initial: a mutex"),
        ({"format": "json", "initial": "1e999"}, "initial: a number that is not finite"),
        ({"format": "json", "initial": '["\\ud800"]'}, "initial: half a character"),
    ):
        with pytest.raises(ValueError, match=why):
            check_text(written(History(), Model()), **wrong)
