"""Short and customary forms of official names; no data files needed."""

from __future__ import annotations

import re

_PEOPLES = (
    "蒙古族|蒙古|回族|藏族|维吾尔族|维吾尔|苗族|彝族|壮族|布依族|朝鲜族|满族|侗族|瑶族|白族|土家族|哈尼族|哈萨克族|哈萨克|傣族|黎族|傈僳族|"
    "佤族|畲族|拉祜族|水族|东乡族|纳西族|景颇族|柯尔克孜族|柯尔克孜|土族|达斡尔族|仫佬族|羌族|布朗族|撒拉族|毛南族|仡佬族|锡伯族|锡伯|"
    "阿昌族|普米族|塔吉克族|塔吉克|怒族|保安族|裕固族|独龙族|鄂温克族|鄂伦春|各族|多民族"
)
_AUTONOMOUS = re.compile(rf"(?:{_PEOPLES})*(自治州|自治县|自治旗|自治区|族区|特别行政区)$")
_PEOPLE_DISTRICT = re.compile(rf"(?:{_PEOPLES})区$")
_SUFFIX = {
    1: ("省", "市"),
    2: ("地区", "市", "盟"),
    3: ("新区", "林区", "矿区", "区", "县", "市", "旗"),
}
_HAND = {  # what the rules below cannot know
    "内蒙古自治区": ("内蒙古", "内蒙"),
    "博尔塔拉蒙古自治州": ("博州", "博尔塔拉州"),
    "巴音郭楞蒙古自治州": ("巴州", "巴音郭楞州"),
    "克孜勒苏柯尔克孜自治州": ("克州", "克孜勒苏州"),
    "黔西南布依族苗族自治州": ("黔西南州",),
    "前郭尔罗斯蒙古族自治县": ("前郭县", "前郭"),
    "浦东新区": ("浦东区",),
    "西双版纳傣族自治州": ("西双版纳州", "版纳"),
}


def shorter_names(name: str, level: int) -> list[str]:
    """Other spellings people use, at least two characters each: 浙江, 广西自治区, 延边州, 余杭."""
    found = list(_HAND.get(name, ()))
    stem = _AUTONOMOUS.sub("", name)
    if stem != name and len(stem) >= 2:
        found.append(stem)
        if level == 1:
            found += (
                [stem + "省", stem + "自治区", stem + "区"]
                if name.endswith("自治区")
                else [stem + "特区"]
            )
        elif level == 2:
            found.append(stem + "州")
        else:
            found.append(stem + ("旗" if name.endswith("旗") else "县"))
            if name.endswith("自治县"):
                found.append(stem + "自治县")
    else:
        plain = _PEOPLE_DISTRICT.sub("", name)
        if plain != name and len(plain) >= 2:
            found += [plain, plain + "区"]
        for suffix in _SUFFIX[level]:
            if name.endswith(suffix) and len(name) - len(suffix) >= 2:
                found.append(name.removesuffix(suffix))
                break
        if name.endswith("地区"):
            found.append(name.removesuffix("地区") + "市")
    return [short for short in dict.fromkeys(found) if short != name]


def is_full(short: str, level: int) -> bool:
    """Does this customary form carry its kind (广西自治区, 延边州, 酉阳县), so that it is no
    common word?"""
    endings = {1: ("省", "区"), 2: ("州", "市"), 3: ("县", "旗", "自治县", "区")}
    return len(short) >= 3 and short.endswith(endings[level]) and short not in ("杭州", "苏州")
