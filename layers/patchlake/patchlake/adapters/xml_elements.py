"""XML documents of AWS, as elements."""

from xml.etree import ElementTree as ET


def parsed_xml(body: bytes) -> ET.Element | None:
    """Return the root of an XML document in UTF-8, whatever encoding it declares; None if the body is none."""
    try:
        # Like the SDK, which parses the same answers.
        return ET.fromstring(body, ET.XMLParser(encoding="utf-8"))  # noqa: S314
    except (ET.ParseError, ValueError):
        return None


def local_name(element: ET.Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def is_nil(element: ET.Element) -> bool:
    """Whether an element says that it has no value, which is not the same as an empty one."""
    attributes = element.items()
    return bool(attributes) and any(
        name.rpartition("}")[2] == "nil" and value in {"true", "1"} for name, value in attributes
    )


def has_text(element: ET.Element) -> bool:
    """Whether an element has a text of its own, other than the space around its children."""
    return any(text and text.strip() for text in (element.text, *(child.tail for child in element)))
