"""Sends a file as a form with the standard library; prints the answer's body and status."""

import sys
import urllib.error
import urllib.request
from pathlib import Path


def main(url: str, path: str) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    body = head + Path(path).read_bytes() + b"\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 -- the test's own server
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 -- the same
            print(response.read().decode(), response.status, sep="\n", end="")
    except urllib.error.HTTPError as error:
        print(error.read().decode(), error.code, sep="\n", end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
