"""Which containers, codecs and protocols are opened without being asked for by name.

libav knows hundreds, some of which open other files or addresses, or are seldom tried with hostile
input. Those that people keep videos in are few.
"""

from __future__ import annotations

from collections.abc import Mapping

_CONTAINERS = """
    avi mov mp4 m4a 3gp 3g2 mj2 matroska webm mpegts mpeg flv gif asf ogg mxf nut wtv rm
    m4v mpegvideo h264 hevc ivf obu dv swf y4m yuv4mpegpipe apng
"""

ALLOWED_DEMUXERS = tuple(_CONTAINERS.split())
"""Containers that people keep videos in; each opens the one file it is given and no other."""

_CODECS = """
    mpeg4 h264 hevc vp8 vp9 libvpx libvpx-vp9 av1 libdav1d libaom-av1
    mpeg1video mpeg2video mpegvideo mjpeg
    msmpeg4v1 msmpeg4v2 msmpeg4 wmv1 wmv2 wmv3 vc1
    h261 h263 h263p flv theora vp3 vp6 vp6f
    prores dnxhd dvvideo ffv1 huffyuv ffvhuff utvideo rawvideo cfhd
    cinepak msrle msvideo1 svq1 svq3 rv10 rv20 rv30 rv40 qtrle
    gif apng png wrapped_avframe
"""

ALLOWED_DECODERS = frozenset(_CODECS.split())
"""The libav decoders that people's videos need, by name."""

PROTOCOLS = "file"
"""The protocols by which libav may open what it is given."""

LIVE_PROTOCOLS: Mapping[str, str] = {
    **dict.fromkeys(("http", "https"), "http,https,httpproxy,tls,tcp"),
    **dict.fromkeys(("rtsp", "rtsps"), "rtp,udp,tcp,tls"),
}
"""The protocols by which libav may open an address that is to be read live, by how that begins.
None of them opens a file, wherever a server may send one."""
