"""What the pages' script asks: one rater's way through a study, step by step."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from benchmark.web.frame import READING
from benchmark.web.study import messages as said
from benchmark.web.study import raters, sitting
from benchmark.web.study.design import Clip
from benchmark.web.study.door import Asking, Door
from benchmark.web.study.study import Study


class Api:
    """The routes below /api, and those of files; each answers once what it keeps is on the disk."""

    def __init__(self, study: Study, door: Door) -> None:
        """Answer for a study."""
        self._study, self._door = study, door

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter()
        for path, post in (
            ("/api/consent", self.consent), ("/api/checks/device", self.device),
            ("/api/checks/headphones", self.headphones), ("/api/tutorial", self.tutored), ("/api/played", self.played),
            ("/api/answer", self.answer), ("/api/skip", self.skip), ("/api/questionnaire", self.questionnaire),
            ("/api/withdraw", self.withdraw),
        ):  # fmt: skip
            router.add_api_route(path, post, methods=["POST"])
        for path, get in (
            ("/api/checks/headphones", self.trials), ("/api/tutorial", self.tutorial), ("/api/item", self.item),
        ):  # fmt: skip
            router.add_api_route(path, get, methods=["GET"])
        for path, file in (("/media/{token}.mp4", self.media), ("/sound/{token}.wav", self.sound)):
            router.add_api_route(path, file, methods=READING)
        return router

    def consent(self, request: Request, given: said.Consent) -> said.Next:
        """Begin, or forget a person who does not want to take part."""
        with self._door.asking(request) as asking:
            raters.at_step(asking.rater, "consent")
            if given.agrees:
                if sitting.is_full(self._study, asking.session, asking.now):
                    return said.Next("/complete")  # too late to begin, and so to have begun
                asking.rater.consented_at = asking.now
                return said.Next(self._go_on(asking))
            asking.session.delete(asking.rater)
        self._study.database.compact()
        return said.Next("/withdrawn")

    def device(self, request: Request, given: said.Device) -> said.Next:
        """Keep what the browser says of itself."""
        with self._door.asking(request) as asking:
            raters.check_device(asking.rater, given, self._study.design, asking.now)
            return said.Next(self._place(asking))

    def trials(self, request: Request) -> said.Trials:
        """Return the sounds of the headphone check, not what is right."""
        with self._door.asking(request) as asking:
            raters.at_step(asking.rater, "checks")
            key = asking.rater.key
            return said.Trials(tuple(
                said.TrialSound(f"/sound/{self._study.tokens.signed('sound', trial.sound, owner=key)}.wav")
                for trial in raters.trials_of(asking.rater, self._study.design)
            ))  # fmt: skip

    def headphones(self, request: Request, given: said.HeadphoneAnswers) -> said.HeadphoneResult:
        """Judge a try of the headphone check."""
        with self._door.asking(request) as asking:
            passed, left = raters.check_headphones(asking.rater, given.answers, self._study.design, asking.now)
            return said.HeadphoneResult(passed, left, self._place(asking))

    def tutorial(self, request: Request) -> said.TutorialContent:
        """Return the criteria with their examples."""
        with self._door.asking(request) as asking:
            raters.at_step(asking.rater, "tutorial")
            return said.TutorialContent(
                tuple(self._with_examples(asking, scale) for scale in sitting.scales(self._study))
            )

    def tutored(self, request: Request) -> said.Next:
        """Go on from the tutorial."""
        with self._door.asking(request) as asking:
            raters.at_step(asking.rater, "tutorial")
            return said.Next(self._go_on(asking))

    def item(self, request: Request) -> said.ShownItem | said.Next:
        """Return the item on which the rater is, or where to go when there is none."""
        with self._door.asking(request) as asking:
            found = sitting.next_item(self._study, asking.session, asking.rater, asking.now)
            return said.Next(found) if isinstance(found, str) else found

    def played(self, request: Request, given: said.Played) -> dict[str, bool]:
        """Keep when a clip was started."""
        with self._door.asking(request) as asking:
            sitting.played(self._study, asking.session, asking.rater, given, asking.now)
        return {"kept": True}

    def answer(self, request: Request, given: said.Answered) -> said.Next:
        """Keep an answer."""
        with self._door.asking(request) as asking:
            found = sitting.answer(self._study, asking.session, asking.rater, given, asking.now)
        return said.Next(found)

    def skip(self, request: Request, given: said.Skipped) -> said.Next:
        """Pass over an item that cannot be judged."""
        with self._door.asking(request) as asking:
            found = sitting.skip(self._study, asking.session, asking.rater, given, asking.now)
        return said.Next(found)

    def questionnaire(self, request: Request, given: said.Questionnaire) -> said.Next:
        """Keep the answers to the last questions."""
        with self._door.asking(request) as asking:
            return said.Next(raters.answer_questions(asking.rater, given, self._study.design, asking.now))

    def withdraw(self, request: Request, given: said.Withdraw, response: Response) -> said.Next:
        """Delete everything of the rater who asks, or of the one whose code is given, whoever gives it."""
        own = self._forget_coded(request, given.code) if given.code else self._forget_asking(request)
        self._study.database.compact()
        if own:
            response.delete_cookie(self._door.cookie)
        return said.Next("/withdrawn")

    def _forget_asking(self, request: Request) -> bool:
        if not self._door.is_sure(request):
            raise said.Refused(409, "in this browser answers are deleted by their code alone", code="needs_code")
        with self._door.asking(request) as asking:
            raters.forget(asking.session, asking.rater, asking.now)
        return True

    def _forget_coded(self, request: Request, code: str) -> bool:
        """Forget the rater of a code; return whether it is the one whom this browser's cookie names."""
        self._door.may_delete(request)
        database, unknown = self._study.database, "no answers have this code; check it, or they are deleted already"
        with database.reading() as session:  # a wrong code keeps nobody who answers waiting
            if raters.of_code(self._study, session, code) is None:
                raise said.Refused(404, unknown)
        with database.writing() as session:
            leaving = raters.of_code(self._study, session, code)
            if leaving is None:
                raise said.Refused(404, unknown)
            raters.forget(session, leaving, self._study.clock())
        return leaving.key == self._door.key(request)

    def media(self, request: Request, token: str) -> Response:
        """Send a clip."""
        name = self._study.tokens.opened("media", token, owner=self._door.rater_key(request))
        return self._study.clips.response(str(name), media_type="video/mp4")

    def sound(self, request: Request, token: str) -> Response:
        """Send a sound of the headphone check."""
        name = self._study.tokens.opened("sound", token, owner=self._door.rater_key(request))
        return self._study.sounds.response(str(name), media_type="audio/wav")

    def _go_on(self, asking: Asking) -> str:
        raters.go_on(asking.rater, self._study.design, asking.now)
        return self._place(asking)

    def _place(self, asking: Asking) -> str:
        """Return where the pages, too, lead this rater now."""
        return sitting.place_of(self._study, asking.session, asking.rater, asking.now)

    def _with_examples(self, asking: Asking, scale: said.Scale) -> said.ScaleWithExamples:
        criterion = self._study.design.criteria[scale.id]
        words = {True: criterion.good, False: criterion.bad}
        examples = tuple(
            said.ShownExample(self._medium(asking, one.clip), one.good, one.prompt, words[one.good])
            for one in self._study.design.tutorial
            if one.criterion == scale.id
        )
        return said.ScaleWithExamples(scale.id, scale.name, scale.question, scale.words, examples)

    def _medium(self, asking: Asking, clip: Clip) -> said.Medium:
        return said.Medium(sitting.media_url(self._study, asking.rater, clip.media), clip.seconds)
