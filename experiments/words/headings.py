"""The title of a study, its own or made from its content."""

from experiments.study.schema import Study
from experiments.words.terms import Lang, Terms


def heading(study: Study, lang: Lang) -> str:
    """The title in a language, or in the other one; a study without any is described by its content."""
    titles = (study.title, study.title_zh)
    return next(filter(None, titles if lang == "en" else titles[::-1]), "") or described(study, lang)


def described(study: Study, lang: Lang) -> str:
    """What the study asks, in a sentence made from its content."""
    terms, (first, last) = Terms(lang), study.target.period.span
    places, forms = study.provinces or [], len(study.model)
    few = lang == "en" and len(places) <= 4
    named = f"; {', '.join(places)}" if few else terms("described study: provinces", n=len(places))
    return terms(
        "described study",
        name=study.name,
        first=first,
        last=last,
        rules=", ".join(choice.label for choice in study.allocations),
        mixes=", ".join(choice.label for choice in study.mixes),
        places=named if places else "",
        forms=terms("described study: forms", n=forms) if forms > 1 else "",
        members=study.members,
    )
