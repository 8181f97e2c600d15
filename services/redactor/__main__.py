"""The redactor as a process: masks what apps ask, restores what models answer."""

from services.redactor.detection import Detector
from services.redactor.domain import Masker
from services.redactor.handlers import Redactor
from services.redactor.in_force import LOOK_EVERY_S, InForce
from services.redactor.settings import Settings
from services.redactor.vault.erasing import ANNOUNCE_EVERY_S, Erasing
from services.redactor.vault.keyring import DatabaseKeyring
from services.redactor.vault.open_streams import LOOK_EVERY_S as STREAMS_EVERY_S
from services.redactor.vault.rotating import Rotating
from services.redactor.vault.scopes import Scopes
from services.redactor.vault.subjects import Subjects
from services.redactor.vault.tenants import TenantKeys
from services.redactor.vault.tending import TEND_EVERY_S, Tending
from shared.bus import Service
from shared.contracts.completions import ChunkProduced
from shared.contracts.vault import SubjectErase, SubjectLookup, VaultRotate
from shared.db import Database


def main() -> None:
    wired(Settings()).run()


def wired(settings: Settings) -> Service:
    service = Service("redactor", settings)
    database = Database(settings.database_url, schema="vault")
    master = settings.master_key()
    keyring = DatabaseKeyring(database, master)
    tenant_keys, subjects = TenantKeys(master), Subjects(master)
    scopes = Scopes(database, master, tenant_keys, subjects)
    erasing = Erasing(database, subjects, service.publish)
    rotating = Rotating(database, tenant_keys)
    tending = Tending(keyring, scopes, service.notes)
    in_force = InForce(settings.dictionaries_folder, service.remarks)
    masker = Masker(Detector.shipped())
    redactor = Redactor(masker, keyring, scopes, settings, in_force=in_force)

    service.on_start(tending.begin)
    service.every(TEND_EVERY_S, tending.go_on)
    service.on_start(in_force.look_at_lists)
    service.every(LOOK_EVERY_S, in_force.look_at_lists)
    service.configured(in_force.configured)

    asked, answered = redactor.requests_submitted, redactor.completions_finished
    service.batch("redactor-requests", asked, given_up=redactor.request_given_up)
    service.batch("redactor-completions", answered, given_up=redactor.completion_given_up)
    service.live(ChunkProduced, redactor.chunks_produced)
    service.command(SubjectLookup, erasing.subjects_lookup)
    service.command(SubjectErase, erasing.subjects_erase)
    service.command(VaultRotate, rotating.vaults_rotate)
    service.every(ANNOUNCE_EVERY_S, erasing.announce)
    service.every(STREAMS_EVERY_S, redactor.look_at_streams)
    service.on_stop(database.close)
    return service


if __name__ == "__main__":
    main()
