"""What a file is by its first bytes, before the rest of it is taken. A pure function: nothing is decoded.

It knows the containers that the probe opens (services/media/source.py) and names what people choose by mistake. It
is the door and no more: what it lets in is hostile until it is probed.
"""

from __future__ import annotations

HEAD = 64 * 1024  # bytes that are looked at; a shorter file is looked at whole

WHAT_TO_SEND = "Please choose a video or a sound recording, such as MP4, MOV, MKV, WebM, MP3 or WAV."

# The boxes with which MP4 and MOV files begin, at byte 4.
BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"sidx", b"styp")
PICTURE_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
MEDIA_STARTS = (
    b"\x1a\x45\xdf\xa3",  # Matroska and WebM
    b"OggS",
    b"fLaC",
    b"ID3",  # before MP3, AAC or FLAC
    b"FLV\x01",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF: WMV and WMA
    b"\x00\x00\x01\xba",  # an MPEG program stream
)
RIFF_STARTS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
RIFF_MEDIA = (b"AVI ", b"AVIX", b"WAVE")
TS_PACKETS = (188, 192, 204)  # bytes: plain, with a time stamp in front, with a checksum behind
TS_IN_A_ROW = 4

# What people choose by mistake, by its first bytes in lower case.
KNOWN = (
    (b"%pdf", "This is a PDF document."),
    (b"pk\x03\x04", "This is a ZIP archive or an office document."),
    (b"7z\xbc\xaf", "This is a 7-Zip archive."),
    (b"rar!", "This is a RAR archive."),
    (b"\x1f\x8b", "This is a gzip archive."),
    (b"\xd0\xcf\x11\xe0", "This is an office document."),
    (b"{\\rtf", "This is a text document."),
    (b"gif8", "This is a GIF picture."),
    (b"\x89png", "This is a PNG picture."),
    (b"\xff\xd8\xff", "This is a JPEG picture."),
    (b"ii*\x00", "This is a TIFF picture or a camera's raw file."),
    (b"mm\x00*", "This is a TIFF picture or a camera's raw file."),
    (b"8bps", "This is a Photoshop file."),
    (b"bm", "This is a BMP picture."),
    (b"mthd", "This is a MIDI file: it holds notes and no sound."),
    (b"#!amr", "This is an AMR recording, which Backlot cannot read: save it as MP3 or WAV."),
    (b".rmf", "This is a RealMedia file, which Backlot cannot read: save it as MP4."),
    (b"caff", "This is a CAF sound file, which Backlot cannot read: save it as WAV or M4A."),
    (b"mz", "This is a Windows program."),
    (b"\x7felf", "This is a program."),
    (b"#extm3u", "This is a playlist that names other files."),
    (b"ffconcat", "This is a list that names other files."),
    (b"<!doctype html", "This is a web page."),
    (b"<html", "This is a web page."),
    (b"<svg", "This is an SVG drawing."),
    (b"<?xml", "This is an XML file, as projects of video editors are: export the video first."),
    (b"webvtt", "This is a file of subtitles."),
)


def why_not(head: bytes) -> str | None:
    """Why a file that begins so is not taken, in words for the person who sends it; None for video and sound.

    head is the first HEAD bytes, or the whole file when it is shorter.
    """
    if not is_media(head):
        found = what_it_is(head) or "This is neither a video nor a sound recording that Backlot knows."
        return f"{found} {WHAT_TO_SEND}"
    return None


def is_media(head: bytes) -> bool:
    """Whether a file that begins so may be video or sound in one of the containers that the probe opens."""
    if head[4:8] in BOXES:
        return not (head[4:8] == b"ftyp" and head[8:12] in PICTURE_BRANDS)
    if head.startswith(RIFF_STARTS):
        return head[8:12] in RIFF_MEDIA
    return head.startswith(MEDIA_STARTS) or _is_transport_stream(head) or _has_sound_frames(head)


def what_it_is(head: bytes) -> str | None:
    """A sentence that names a file that is no media, where its first bytes tell."""
    if head[4:8] == b"ftyp" and head[8:12] in PICTURE_BRANDS:
        return "This is a photo (HEIC or AVIF)."
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "This is a WebP picture."
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return "This is an AIFF sound file, which Backlot cannot read: save it as WAV or MP3."
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((sentence for mark, sentence in KNOWN if start.startswith(mark)), None) or _text(head)


def _text(head: bytes) -> str | None:
    sample = head[:1024]
    readable = all(byte >= 32 or byte in b"\t\r\n" for byte in sample)
    return "This is a text file." if sample and readable and sample.isascii() else None


def _is_transport_stream(head: bytes) -> bool:
    for packet in TS_PACKETS:
        for start in range(min(packet, len(head))):
            if all(
                head[start + packet * number : start + packet * number + 1] == b"G" for number in range(TS_IN_A_ROW)
            ):
                return True
    return False


def _has_sound_frames(head: bytes) -> bool:
    """Two frames of MP3 or AAC, one right behind the other: some recorders write padding before the first."""
    start = head.find(b"\xff")
    while start >= 0:
        for length_of in (_mp3_frame, _aac_frame):
            length = length_of(head[start : start + 6])
            if length and length_of(head[start + length : start + length + 6]):
                return True
        start = head.find(b"\xff", start + 1)
    return False


# Kilobits a second of MPEG 1 and 2 Layer III, and of Layer II, by the four bits that name them.
MPEG1_LAYER3 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
MPEG2_LAYERS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
MPEG1_LAYER2 = (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
MPEG1_RATES = (44_100, 48_000, 32_000)


def _mp3_frame(header: bytes) -> int:
    """The length in bytes of the Layer II or III frame that begins so; 0 where none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3  # 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5; 1: III, 2: II
    bits, rate = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer not in (1, 2) or bits in (0, 15) or rate == 3:
        return 0
    kilobits = (MPEG2_LAYERS if version != 3 else MPEG1_LAYER3 if layer == 1 else MPEG1_LAYER2)[bits]
    samples_a_second = MPEG1_RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
    samples = 576 if layer == 1 and version != 3 else 1152
    return samples // 8 * kilobits * 1000 // samples_a_second + (header[2] >> 1 & 1)


def _aac_frame(header: bytes) -> int:
    """The length in bytes of the ADTS frame that begins so; 0 where none does."""
    if len(header) < 6 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 > 12:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length >= 7 else 0
