"""A file of a foreign format to a rule-set document: the one entrance for all formats."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from tidegate.engine.vocabulary import Vocabulary
from tidegate.interchange.composing import compose_with
from tidegate.interchange.dmn_reading import read_dmn
from tidegate.interchange.dmn_restoring import DmnComposer, head_of
from tidegate.interchange.grids import read_text, read_workbook
from tidegate.interchange.jdm_reading import read_jdm
from tidegate.interchange.model import Model, Table
from tidegate.interchange.naming import compact
from tidegate.interchange.options import Options
from tidegate.interchange.remarks import WARNING, Imported, NotOurs, Remark
from tidegate.interchange.settling import settle
from tidegate.interchange.sheet_reading import read_sheets
from tidegate.interchange.uploads import check_size, parse_json, parse_xml, refused
from tidegate.interchange.workbook_reading import WorkbookComposer, is_ours


def import_file(name: str, data: bytes, vocabulary: Vocabulary, options: Options) -> Imported:
    """What `data` is, is told by its content: XML is DMN, JSON is JDM, an archive is a workbook,
    anything else a table pasted as text.

    Raises:
        InputError: the file can't be read, or an option names what does not exist.
        RuleProblems: a workbook or DMN file of ours whose head was broken by hand.
    """
    check_size(name, data)
    options.gate_of(vocabulary)
    try:
        return _read(name, data, vocabulary, options)
    except NotOurs as reason:  # in a part that no row is to blame for
        raise refused(
            reason.code.removeprefix("interchange."), name, reason.zh, reason.en
        ) from reason


def _read(name: str, data: bytes, vocabulary: Vocabulary, options: Options) -> Imported:
    head = data[:200].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith((b"<", b"\xff\xfe<\x00", b"\xfe\xff\x00<")):
        return _import_dmn(name, parse_xml(name, data), vocabulary, options)
    if head.startswith((b"{", b"[")):
        return import_model(read_jdm(parse_json(name, data), name), vocabulary, options)
    grids = read_workbook(name, data) if head.startswith(b"PK") else read_text(name, data)
    if is_ours(grids):
        composer = WorkbookComposer(grids)
        return settle(composer, vocabulary, composer.read, [], name)
    return import_model(read_sheets(grids, name, vocabulary, options), vocabulary, options)


def _import_dmn(name: str, root: Element, vocabulary: Vocabulary, options: Options) -> Imported:
    head = head_of(root)
    if head is None:
        return import_model(read_dmn(root, name, options), vocabulary, options)
    composer = DmnComposer(root, head, vocabulary, options)
    return settle(composer, vocabulary, composer.read, [], name)


def import_model(model: Model, vocabulary: Vocabulary, options: Options) -> Imported:
    """Compose and settle a model that was read."""
    composition = compose_with(model, vocabulary, options)
    remarks = [*model.remarks, *_unused_targets(model, options)]
    return settle(composition, vocabulary, model.read, remarks, model.name)


def _unused_targets(model: Model, options: Options) -> Iterable[Remark]:
    """`--map` with a name the file does not have is a slip worth knowing."""
    names = [variable.name for variable in model.variables.values()]
    for one in model.decisions:
        names += [one.name]
        names += [output.name for output in one.outputs] if isinstance(one, Table) else []
    known = {compact(name) for name in names}
    for target in options.targets:
        if compact(target) not in known and compact(target.rpartition("/")[0]) not in known:
            listed = "、".join(names), ", ".join(names)
            yield Remark(
                WARNING,
                "interchange.unused_map",
                f"--map 里的 {target} 在文件中不存在；文件里有：{listed[0]}",
                f"the file has no {target} that --map names; it has {listed[1]}",
            )
