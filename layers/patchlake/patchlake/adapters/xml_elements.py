"""XML documents of AWS, as elements."""

from xml.etree import ElementTree as ET


def parsed_xml(body: bytes) -> ET.Element | None:
    """Return the root of an XML document; None if the body is none."""
    try:
        return ET.fromstring(body)  # noqa: S314  # an answer of AWS, which the SDK parses in the same way
    except (ET.ParseError, ValueError):
        return None


def local_name(element: ET.Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]
