"""What Kaggle's answer to a push means: it says no, or half of a yes, with a code 200 too."""

from course.errors import CourseError


def accepted(client, answer, kernel) -> int:
    """The version number of a push that did all it was asked for.

    Args:
        client: a `course.kaggle.client.Client`.
        answer: what `client.save` returned.
        kernel: "owner/slug", as asked for.

    Raises:
        CourseError: Kaggle says no, keeps it elsewhere, leaves out its data, or gives no number.
    """
    if answer.error:
        raise CourseError(
            f"{kernel} was not pushed.\nWhy: Kaggle says: {client.hide(answer.error)[:300]}\n"
            f"Next: {_todo(answer.error, client.taller)}"
        )
    got = "/".join((answer.ref or answer.url).strip("/").split("/")[-2:])
    if got.lower() != kernel.lower():
        raise CourseError(
            f"Kaggle keeps the push at another address: asked for {kernel}, got {got}.\n"
            "Why: another kernel had the name, or the title does not give it. It runs there all "
            f"the same.\nNext: delete it at {page(got)}, see that title and id of "
            f"{client.taller} agree in its kernel-metadata.json, and push again."
        )
    wrong = [
        (what, sources)
        for what, sources in (
            ("data sets", answer.invalid_dataset_sources),
            ("competitions", answer.invalid_competition_sources),
            ("kernels", answer.invalid_kernel_sources),
            ("models", answer.invalid_model_sources),
        )
        if sources
    ]
    if wrong:
        named = "; ".join(f"{what}: {', '.join(sources)}" for what, sources in wrong)
        raise CourseError(
            f"{kernel}, version {answer.version_number}, was pushed, but runs without a source "
            f"that Kaggle does not take: {client.hide(named)[:300]}.\nNext: stop it at "
            f"{page(kernel)}; open the source's page signed in (its conditions may wait to be "
            "accepted), correct its handle in datasets.yaml if it has moved, and push again."
        )
    if not answer.version_number:
        raise CourseError(
            f"Kaggle took {kernel} but gave it no version number, so nothing says that it runs.\n"
            f"Next: look at {page(kernel)}"
        )
    return answer.version_number


def _todo(said, taller):
    said = said.lower()
    if "session count" in said:
        return "wait until another of your kernels has ended, or stop it at Kaggle; then push again"
    if "quota" in said or "hours" in said:
        return (
            "see when the week's hours come back: python -m course kernels doctor; or run without "
            f"a GPU: python -m course kernels push {taller} --accelerator none"
        )
    if "not found" in said:
        return "see that the owner is your account: python -m course kernels doctor"
    return "python -m course kernels doctor tells whether the account is in order."


def page(kernel):
    """The address of a kernel's page."""
    return f"https://www.kaggle.com/code/{kernel}"
