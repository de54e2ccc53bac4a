"""PNML, the exchange format of Petri nets (ISO/IEC 15909-2), as pm4py and ProM write it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

from dealtrace_engine.errors import ModelError, OutputError, ParseError
from dealtrace_engine.models.petri_net import Arc, PetriNet, Transition
from dealtrace_engine.output import written_whole
from dealtrace_engine.sources.files import InputFile, PathLike

DEEPEST = 100
"""Elements inside each other; pages nest, but never so deep."""

PTNET = "http://www.pnml.org/version-2009/grammar/pnmlcoremodel"


@dataclass
class _Element:
    """One XML element, with the line it begins on; names without their namespace."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[_Element] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str) -> list[_Element]:
        return [child for child in self.children if child.tag == tag]

    def text_of(self, tag: str) -> str | None:
        """Text of ``<tag><text>..</text></tag>``, stripped but for activities; None where there is none."""
        texts = [text for child in self.all(tag) for text in child.all("text")]
        return (texts[0].text if self.tag == "transition" else texts[0].text.strip()) if texts else None


def read_pnml(path: PathLike) -> PetriNet:
    """Read the first net of a PNML file.

    A transition is silent if it is marked ``$invisible$``, as pm4py and ProM do, or has no name.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    PetriNet
        With what was assumed in `notes`.

    Raises
    ------
    ParseError
        The file cannot be read, is no well-formed XML or no PNML, or declares a document type or entities.
    ModelError
        The net in it is not well formed.
    """
    file = InputFile.at(path).path
    try:
        root = _parsed(file.read_bytes(), file)
    except OSError as error:
        raise ParseError(f"cannot be read: {error.strerror}", file=file) from error
    nets = root.all("net") if root.tag == "pnml" else []
    if not nets:
        raise ParseError("this is no PNML: there is no <pnml><net>", file=file, line=root.line)
    notes = (f"{len(nets)} nets in the file; the first was taken",) if len(nets) > 1 else ()
    try:
        return _Reader(nets[0], file).net(notes)
    except ModelError as error:
        if error.file is not None:
            raise
        raise ModelError(error.what, file=file, value=error.value, hint=error.hint) from None


def _parsed(content: bytes, file: Path) -> _Element:
    """Parse XML into elements that know their lines; refuse what PNML does not need."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    top = _Element("", {}, 0)
    open_elements = [top]

    def refuse(what: str) -> Callable[..., NoReturn]:
        def handler(*_: object) -> NoReturn:
            raise ParseError(f"{what} is refused", file=file, line=parser.CurrentLineNumber,
                             hint="remove it; a PNML file needs none")  # fmt: skip

        return handler

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(open_elements) > DEEPEST:
            raise ParseError(
                f"elements are nested deeper than {DEEPEST}", file=file, line=parser.CurrentLineNumber
            )
        names = {_local(name): value for name, value in attributes.items()}
        element = _Element(_local(tag), names, parser.CurrentLineNumber)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(_: str) -> None:
        open_elements.pop()

    def text(data: str) -> None:
        open_elements[-1].text += data

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = refuse("a document type declaration (DOCTYPE)")
    parser.EntityDeclHandler = refuse("an entity declaration")
    parser.ExternalEntityRefHandler = refuse("an external entity")
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        what = f"not well-formed XML: {expat.ErrorString(error.code)}"
        raise ParseError(what, file=file, line=error.lineno) from error
    except (LookupError, ValueError) as error:
        raise ParseError(f"cannot be decoded: {error}", file=file, line=parser.CurrentLineNumber) from error
    return top.children[0]


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


class _Reader:
    """Collects the parts of one net from its pages; each knows its line until the net is made."""

    def __init__(self, net: _Element, file: Path) -> None:
        self._net, self._file = net, file
        self._places: list[str] = []
        self._transitions: list[Transition] = []
        self._arcs: list[Arc] = []
        self._initial: dict[str, int] = {}
        self._lines: dict[str, int] = {}
        self._arc_lines: list[int] = []

    def net(self, notes: tuple[str, ...]) -> PetriNet:
        self._collect(self._net)
        self._check_ends()
        name = self._net.text_of("name") or self._net.attributes.get("id", "")
        return PetriNet(
            tuple(self._places), tuple(self._transitions), tuple(self._arcs), self._initial,
            self._final(), name, notes,
        )  # fmt: skip

    def _collect(self, page: _Element) -> None:
        for element in page.children:
            if element.tag == "page":
                self._collect(element)
            elif element.tag == "place":
                self._place(element)
            elif element.tag == "transition":
                self._transitions.append(Transition(self._id(element), _label(element)))
            elif element.tag == "arc":
                self._arc(element)
            elif element.tag in ("referencePlace", "referenceTransition"):
                raise ParseError(f"<{element.tag}> is not supported", file=self._file, line=element.line,
                                 hint="flatten the pages of the net")  # fmt: skip

    def _place(self, element: _Element) -> None:
        place = self._id(element)
        self._places.append(place)
        tokens = self._tokens(element.text_of("initialMarking"), "initial marking", element.line, 0)
        if tokens:
            self._initial[place] = tokens

    def _arc(self, element: _Element) -> None:
        kind = element.text_of("arctype") or next(
            (a.attributes.get("value", "") for a in element.all("type")), ""
        )
        if kind not in ("", "normal"):
            raise ParseError(f"arcs of type {kind!r} are not supported", file=self._file, line=element.line)
        ends = [element.attributes.get(end) for end in ("source", "target")]
        if None in ends:
            raise ParseError("an arc has no source or no target", file=self._file, line=element.line)
        self._arc_lines.append(element.line)
        weight = self._tokens(element.text_of("inscription"), "inscription", element.line, 1)
        self._arcs.append(Arc(str(ends[0]), str(ends[1]), weight))

    def _id(self, element: _Element) -> str:
        node = element.attributes.get("id", "")
        if not node:
            raise ParseError(f"a {element.tag} has no id", file=self._file, line=element.line)
        if node in self._lines:
            raise ModelError(f"the id {node!r} is used twice, first in line {self._lines[node]}",
                             file=self._file, line=element.line)  # fmt: skip
        self._lines[node] = element.line
        return node

    def _tokens(self, text: str | None, what: str, line: int, default: int) -> int:
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise ParseError(f"the {what} is not a whole number", file=self._file, line=line, value=text)
        return int(text)

    def _check_ends(self) -> None:
        places, transitions = set(self._places), {transition.id for transition in self._transitions}
        for arc, line in zip(self._arcs, self._arc_lines, strict=True):
            which = f"the arc from {arc.source!r} to {arc.target!r}"
            for end in (arc.source, arc.target):
                if end not in places and end not in transitions:
                    raise ModelError(f"{which} dangles: there is no {end!r}", file=self._file, line=line)
            if (arc.source in places) == (arc.target in places):
                raise ModelError(
                    f"{which} does not join a place and a transition", file=self._file, line=line
                )

    def _final(self) -> dict[str, int]:
        markings = [m for group in self._net.all("finalmarkings") for m in group.all("marking")]
        if len(markings) > 1:
            raise ModelError(f"the net has {len(markings)} final markings", file=self._file,
                             line=markings[1].line, hint="keep one")  # fmt: skip
        final: dict[str, int] = {}
        places = set(self._places)
        for place in markings[0].all("place") if markings else ():
            node = place.attributes.get("idref", "")
            if node not in places:
                raise ModelError(f"the final marking names {node!r}, which is no place of the net",
                                 file=self._file, line=place.line)  # fmt: skip
            texts = [text.text.strip() for text in place.all("text")]
            tokens = self._tokens(texts[0] if texts else None, "final marking", place.line, 1)
            if tokens:
                final[node] = final.get(node, 0) + tokens
        return final


def _label(element: _Element) -> str | None:
    if any(tool.attributes.get("activity") == "$invisible$" for tool in element.all("toolspecific")):
        return None
    return element.text_of("name") or None


def write_pnml(net: PetriNet, path: PathLike) -> None:
    """Write a net as PNML, whole or not at all.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    root = ElementTree.Element("pnml")
    element = ElementTree.SubElement(root, "net", {"id": net.name or "net", "type": PTNET})
    _named(element, net.name)
    page = ElementTree.SubElement(element, "page", {"id": "page"})
    for place in net.places:
        node = ElementTree.SubElement(page, "place", {"id": place})
        _named(node, place)
        if place in net.initial_marking:
            _texted(node, "initialMarking", net.initial_marking[place])
    for transition in net.transitions:
        _write_transition(page, transition)
    for number, arc in enumerate(net.arcs):
        ends = {"id": f"arc {number}", "source": arc.source, "target": arc.target}
        _texted(ElementTree.SubElement(page, "arc", ends), "inscription", arc.weight)
    marking = ElementTree.SubElement(ElementTree.SubElement(element, "finalmarkings"), "marking")
    for place, tokens in net.final_marking.items():
        ElementTree.SubElement(ElementTree.SubElement(marking, "place", {"idref": place}), "text").text = str(
            tokens
        )
    ElementTree.indent(root)
    try:
        content = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
        _parsed(content, Path(path))
    except (ParseError, UnicodeEncodeError) as error:
        raise OutputError("an id or a name holds a character that XML cannot carry", file=path) from error
    with written_whole(path) as unfinished:
        unfinished.write_bytes(content)


def _write_transition(page: ElementTree.Element, transition: Transition) -> None:
    node = ElementTree.SubElement(page, "transition", {"id": transition.id})
    _named(node, transition.id if transition.label is None else transition.label)
    if transition.label is None:
        silent = {"tool": "ProM", "version": "6.4", "activity": "$invisible$", "localNodeID": transition.id}
        ElementTree.SubElement(node, "toolspecific", silent)


def _named(node: ElementTree.Element, name: str) -> None:
    _texted(node, "name", name)


def _texted(node: ElementTree.Element, tag: str, text: object) -> None:
    ElementTree.SubElement(ElementTree.SubElement(node, tag), "text").text = str(text)
