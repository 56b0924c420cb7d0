"""Small random partitions for the kernels, as Hypothesis strategies."""

from dataclasses import replace

from hypothesis import strategies as st

from tests.sampler.reference import (
    FEEDBACK,
    OTHERS,
    Asked,
    Band,
    Case,
    Item,
    Pair,
    Ranked,
    Rejection,
    Shown,
)


@st.composite
def cases(draw: st.DrawFn, *, string_ids: bool) -> Case:
    """One partition with few users, requests and items, so that everything collides often.

    Keys of string ids are hashes: large, also above 2^63, in no order.
    """
    spread = 0x9E3779B97F4A7C15 if string_ids else 1

    def key(n: int) -> int:
        return ((n + 1) * spread) % 2**64

    items = [Item(key(i), draw(st.integers(1, 40))) for i in range(draw(st.integers(0, 12)))]
    # Some items are not in the catalogue.
    item = st.integers(0, 14).map(key)
    user = st.integers(0, 3).map(lambda n: key(n + 100))
    # A request belongs to one user, mostly; numbers overlap between users on purpose.
    request = st.integers(0, 4).map(lambda n: key(n + 200))
    score = st.one_of(st.none(), st.integers(-2, 2).map(float))
    rank = st.one_of(st.none(), st.integers(1, 5))
    size = st.one_of(st.none(), st.none(), st.integers(1, 6))
    # Logs differ in the columns that they have.
    score = score if draw(st.booleans()) else st.none()
    rank = rank if draw(st.booleans()) else st.none()
    size = size if draw(st.booleans()) else st.none()
    pairs = draw(
        st.lists(
            st.builds(
                Pair,
                user,
                request,
                item,
                st.integers(0, 2),
                st.integers(3, 5),
                st.integers(0, 2),
                st.integers(-2, 2),
            ),
            max_size=10,
        )
    )
    # No click counts of some (user, request, item): all of its pairs are weak.
    weak = draw(st.sets(st.tuples(user, request, item), max_size=6))
    # Of others no impression is known: all of theirs are organic.
    organic = draw(st.sets(st.tuples(user, request, item), max_size=6))

    def of_strength(p: Pair) -> Pair:
        if (p.user, p.request, p.item) in weak:
            return replace(p, action=-1, click_us=p.impression_us)
        is_organic = (p.user, p.request, p.item) in organic
        return replace(p, action=p.action - 120) if is_organic else p

    pairs = list(map(of_strength, pairs))
    ranked = draw(
        st.lists(
            st.builds(
                Ranked, user, request, item, st.integers(0, 2), st.booleans(), score, rank, size
            ),
            max_size=60,
        )
    )
    band = st.sampled_from([(0.0, 1.0), (0.5, 1.0), (0.0, 0.5), (1.0, 1.0)])
    takes = [(draw(st.sampled_from(["none", "cut", "low"])), *draw(band)) for _ in range(3)]
    bands, pools = draw(quotas(takes)) if draw(st.booleans()) else ((), ())
    # A third has no log of rejections.
    asked = st.builds(
        Asked, st.integers(1, 3), st.sampled_from(["random", "recent"]), st.just(FEEDBACK)
    )
    feedback = draw(st.one_of(st.none(), asked, asked))
    rejections = st.builds(Rejection, user, item, st.integers(-2, 2))
    # Half have no other requests; what is shown of a request need not be what is ranked of it.
    ways = st.sampled_from(["random", "nearest"])
    others = draw(st.one_of(st.none(), st.builds(Asked, st.integers(1, 4), ways, st.just(OTHERS))))
    shown = st.lists(
        st.builds(Shown, user, request, st.integers(-2, 4)),
        max_size=20,
        unique_by=lambda one: (one.user, one.request),
    )
    return Case(
        items=items,
        forbidden=draw(st.lists(st.tuples(user, item), max_size=40)),
        pairs=pairs,
        ranked=ranked,
        hot=draw(st.dictionaries(item, st.floats(0.05, 0.95), max_size=5)),
        takes=takes,
        bands=bands,
        pools=pools,
        n_easy=draw(st.integers(0, 4)),
        n_hard=draw(st.integers(0, 4)),
        fill=draw(st.booleans()),
        max_rejections=draw(st.integers(0, 3)),
        selection=draw(st.sampled_from(["random", "top", "tail", "score"])),
        higher_is_better=draw(st.booleans()),
        by_score=draw(st.tuples(st.booleans(), st.booleans(), st.booleans())),
        cut_by_absence=draw(st.booleans()),
        by_last_stage=draw(st.booleans()),
        sampled=draw(st.booleans()),
        not_recalled=draw(st.booleans()),
        distinct=draw(st.booleans()),
        recalled=tuple(draw(st.lists(st.tuples(user, request, item), max_size=12))),
        clicked=tuple(draw(st.lists(st.tuples(user, item), max_size=10))),
        rejected=tuple(draw(st.lists(rejections, max_size=30))) if feedback else (),
        feedback=feedback,
        shown=tuple(draw(shown)) if others else (),
        others=others,
        others_before=draw(st.integers(1, 3)),
        others_after=draw(st.sampled_from([-1, -1, 2])),
        weak_share=draw(st.sampled_from([0.25, 1.0])),
        thinned=tuple(draw(st.sets(st.sampled_from(["weak", "organic"])))),
        logged_share=draw(st.sampled_from([1.0, 1.0, 0.5, 0.1])),
        seed=draw(st.integers(0, 2**64 - 1)),
        draw_seed=draw(st.integers(0, 2**64 - 1)),
    )


@st.composite
def quotas(
    draw: st.DrawFn, takes: list[tuple[str, float, float]]
) -> tuple[tuple[Band, ...], tuple[Asked, ...]]:
    """Up to four bands of the stages that give negatives, and up to three pools for them."""
    selection = st.sampled_from(["random", "random", "top", "tail", "score"])
    temperature = st.sampled_from([0.5, 1.0, 1e-6])
    asked = st.builds(Asked, st.integers(0, 3), selection, st.just(0), temperature)
    pools = draw(st.lists(asked, max_size=3))
    giving = [stage for stage, (take, _, _) in enumerate(takes) if take != "none"]
    if not pools or not giving:
        return (), ()
    ends = {
        "percentile": st.sampled_from([(0.0, 1.0), (0.0, 0.5), (0.25, 0.75)]),
        "rank": st.sampled_from([(1.0, 2.0), (2.0, 9.0), (3.0, 3.0)]),
        "score": st.sampled_from([(-1.0, 1.0), (0.0, 9.0), (-9.0, -1.0)]),
    }
    bands = []
    for _ in range(draw(st.integers(1, 4))):
        by = draw(st.sampled_from(sorted(ends)))
        low, high = draw(ends[by])
        stage, pool = draw(st.sampled_from(giving)), draw(st.integers(0, len(pools) - 1))
        absolute, relative = draw(
            st.sampled_from([(None, None), (None, None), (0.0, None), (1.0, None), (None, 0.5)])
        )
        bands.append(Band(stage, by, low, high, pool, absolute, relative))
    named = [
        Asked(one.n, one.selection, 4 + 256 * n, one.temperature) for n, one in enumerate(pools)
    ]
    return tuple(bands), tuple(named)
