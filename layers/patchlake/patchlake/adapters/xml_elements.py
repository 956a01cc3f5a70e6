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
