"""Multipart forms, as clients upload files with them."""

from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request."""

    name: str
    data: bytes


def parts(content_type: str, body: bytes) -> dict[str, str | Upload]:
    """The fields of a form, which is built like a mail: texts, and files.

    Raises ValueError when it can't be read.
    """
    form = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    found: dict[str, str | Upload] = {}
    for part in form.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        value = part.get_payload(decode=True)
        if not isinstance(value, bytes):
            raise ValueError(f"the sandbox does not read what is in {name}")
        file = part.get_filename()
        found[name] = value.decode() if file is None else Upload(file, value)
    return found
