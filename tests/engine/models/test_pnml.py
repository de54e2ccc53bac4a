from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_engine.errors import DealtraceError, ModelError, OutputError, ParseError
from dealtrace_engine.models.petri_net import Arc, PetriNet, Transition
from dealtrace_engine.models.pnml import read_pnml, write_pnml
from tests.nets import nets
from tests.shared_data import LOGS, ORACLE, needs_shared

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
PROM = (
    HEAD
    + """<pnml xmlns="http://www.pnml.org/version-2009/grammar/pnml">
  <net id="net1" type="http://www.pnml.org/version-2009/grammar/pnmlcoremodel">
    <name><text>A net of ProM</text></name>
    <page id="outer">
      <graphics/>
      <page id="inner">
        <place id="n1"><name><text>start</text></name>
          <initialMarking><text> 2 </text></initialMarking></place>
        <transition id="n3"><name><text>Send &amp; wait</text></name>
          <toolspecific tool="ProM" version="6.4" activity="Send" localNodeID="x"/></transition>
      </page>
      <place id="n2"><name><text>end</text></name></place>
      <transition id="n4"><name><text>tau</text></name>
        <toolspecific tool="ProM" version="6.4" activity="$invisible$" localNodeID="y"/></transition>
      <transition id="n5"/>
      <arc id="a1" source="n1" target="n3"><name/><inscription><text>2</text></inscription>
        <arctype><text>normal</text></arctype></arc>
      <arc id="a2" source="n3" target="n2"/>
      <arc id="a3" source="n1" target="n4"/>
      <arc id="a4" source="n4" target="n2"/>
    </page>
    <finalmarkings><marking>
      <place idref="n1"><text>0</text></place><place idref="n2"><text>3</text></place>
    </marking></finalmarkings>
  </net>
</pnml>
"""
)


def written(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_dialect_of_prom(tmp_path):
    net = read_pnml(written(tmp_path / "net.pnml", PROM))
    assert net == PetriNet(
        places=("n1", "n2"),
        transitions=(Transition("n3", "Send & wait"), Transition("n4"), Transition("n5")),
        arcs=(Arc("n1", "n3", 2), Arc("n3", "n2"), Arc("n1", "n4"), Arc("n4", "n2")),
        initial_marking={"n1": 2},
        final_marking={"n2": 3},
        name="A net of ProM",
    )


def test_without_a_final_marking_the_only_sink_is_taken(tmp_path):
    start, end = PROM.index("<finalmarkings>"), PROM.index("</finalmarkings>") + len("</finalmarkings>")
    net = read_pnml(written(tmp_path / "net.pnml", PROM[:start] + PROM[end:]))
    assert net.final_marking == {"n2": 1}
    assert "only sink place 'n2'" in net.notes[0]


@given(nets(), st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
@settings(max_examples=60, deadline=None)
def test_a_written_net_is_read_as_it_was(tmp_path_factory, net, label):
    path = tmp_path_factory.mktemp("net") / "net.pnml"
    named = Transition("named", label)
    net = PetriNet(
        net.places, (*net.transitions, named), net.arcs, net.initial_marking, net.final_marking, "n"
    )
    try:
        write_pnml(net, path)
    except OutputError:
        assert any(0xFFFE <= ord(character) <= 0xFFFF for character in label)
        return
    assert read_pnml(path) == net


BAD = [
    ("<pnml>\n<net>\n</pnml>", ParseError, "line 4", "mismatched tag"),
    (PROM[:-200], ParseError, "line", "not well-formed XML"),
    ("<other/>", ParseError, "line 2", "no <pnml><net>"),
    ("just text", ParseError, "line 2", "not well-formed XML"),
    ('<!DOCTYPE pnml SYSTEM "http://example.com/x.dtd">\n<pnml/>', ParseError, "line 2", "DOCTYPE"),
    (
        '<!DOCTYPE p [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>\n<pnml>&b;</pnml>',
        ParseError,
        "line 2",
        "DOCTYPE",
    ),
    ("<pnml>&x;</pnml>", ParseError, "line 2", "undefined entity"),
    ("<pnml>" + "<net>" * 5000, ParseError, "line 2", "nested deeper than 100"),
    (PROM.replace('target="n3"', 'target="n9"'), ModelError, "line 17", "dangles: there is no 'n9'"),
    (PROM.replace('target="n3"', 'target="n2"'), ModelError, "line 17", "does not join"),
    (PROM.replace('target="n3"', ""), ParseError, "line 17", "no target"),
    (PROM.replace('id="n2"', 'id="n1"'), ModelError, "line 13", "'n1' is used twice, first in line 8"),
    (PROM.replace('id="n2"', ""), ParseError, "line 13", "a place has no id"),
    (
        PROM.replace(" 2 ", "two"),
        ParseError,
        "line 8",
        "value 'two': the initial marking is not a whole number",
    ),
    (PROM.replace(" 2 ", "-2"), ParseError, "line 8", "not a whole number"),
    (PROM.replace(" 2 ", "9" * 5000), ParseError, "line 8", "not a whole number"),
    (PROM.replace(" 2 ", "0"), ModelError, "net.pnml", "no initial marking"),
    (PROM.replace("<text>2</text>", "<text>0</text>"), ModelError, "net.pnml", "weight"),
    (PROM.replace('idref="n2"', 'idref="n4"'), ModelError, "line 24", "is no place"),
    (PROM.replace("<text>normal</text>", "<text>inhibitor</text>"), ParseError, "line 17", "'inhibitor'"),
    (PROM.replace("</marking>", "</marking><marking/>"), ModelError, "line 25", "2 final markings"),
    (PROM.replace("<graphics/>", '<referencePlace id="r" ref="n1"/>'), ParseError, "line 6", "not supported"),
    ("", ParseError, "net.pnml", "empty"),
    (b"\xff\xfe\x00\x00", ParseError, "line 1", "not well-formed XML"),
    (b'<?xml version="1.0" encoding="klingon"?><pnml/>', ParseError, "line 1", "encoding"),
]


@pytest.mark.parametrize(("text", "kind", "where", "message"), BAD)
def test_a_bad_file_is_one_line_that_says_where(tmp_path, text, kind, where, message):
    if isinstance(text, str) and text and not text.startswith("<?xml"):
        text = HEAD + text
    with pytest.raises(DealtraceError) as error:
        read_pnml(written(tmp_path / "net.pnml", text))
    said = str(error.value)
    assert isinstance(error.value, kind), said
    assert where in said
    assert message in said
    assert "net.pnml" in said
    assert "\n" not in said


def test_a_missing_file(tmp_path):
    with pytest.raises(ParseError, match="no such file"):
        read_pnml(tmp_path / "nothing.pnml")


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
    path = written(tmp_path / "net.pnml", PROM)
    net = read_pnml(path)
    bad = PetriNet(
        net.places,
        (*net.transitions, Transition("x", "\0")),
        net.arcs,
        net.initial_marking,
        net.final_marking,
    )
    with pytest.raises(OutputError, match="XML cannot carry"):
        write_pnml(bad, path)
    with pytest.raises(OutputError, match="cannot be written"):
        write_pnml(net, tmp_path / "no folder" / "net.pnml")
    assert path.read_text() == PROM
    assert list(tmp_path.iterdir()) == [path]


@needs_shared
def test_the_nets_of_the_reference(tmp_path):
    for path in [*ORACLE.glob("*.pnml"), *LOGS.glob("*.pnml")]:
        net = read_pnml(path)
        write_pnml(net, tmp_path / path.name)
        assert read_pnml(tmp_path / path.name) == net
