"""A mail server. Prints its port, and a line for each mail. Ends at the end of its input.

Arguments: MODE (starttls, required-starttls or tls), and the files of a certificate and its key.
"""

import asyncio
import ssl
import sys

from aiosmtpd.smtp import SMTP


class Handler:
    async def handle_DATA(self, server, session, envelope):
        encrypted = server.transport.get_extra_info("cipher") is not None
        channel = "encrypted" if encrypted else "unencrypted"
        print(channel, envelope.mail_from, *envelope.rcpt_tos, len(envelope.content), flush=True)
        return "250 OK"


async def main(mode, certificate, key):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    def session():
        if mode == "tls":
            return SMTP(Handler())
        required = mode == "required-starttls"
        return SMTP(Handler(), tls_context=context, require_starttls=required)

    loop = asyncio.get_running_loop()
    implicit = context if mode == "tls" else None
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=implicit)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main(*sys.argv[1:]))
