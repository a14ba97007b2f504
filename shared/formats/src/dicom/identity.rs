//! Attributes that may say who the patient is: common ones of the Basic Application Level Confidentiality Profile
//! (PS3.15 annex E, <https://dicom.nema.org/medical/dicom/current/output/html/part15.html>).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::attributes::{Object, text};
use crate::identity::IdentifyingTag;

/// The attributes with their keywords.
pub const IDENTIFYING: &[(Tag, &str)] = &[
    (tags::PATIENT_NAME, "PatientName"),
    (tags::PATIENT_ID, "PatientID"),
    (tags::ISSUER_OF_PATIENT_ID, "IssuerOfPatientID"),
    (tags::PATIENT_BIRTH_DATE, "PatientBirthDate"),
    (tags::PATIENT_BIRTH_TIME, "PatientBirthTime"),
    (tags::PATIENT_SEX, "PatientSex"),
    (tags::PATIENT_AGE, "PatientAge"),
    (tags::PATIENT_SIZE, "PatientSize"),
    (tags::PATIENT_WEIGHT, "PatientWeight"),
    (Tag(0x0010, 0x1000), "OtherPatientIDs"),
    (tags::OTHER_PATIENT_NAMES, "OtherPatientNames"),
    (tags::PATIENT_BIRTH_NAME, "PatientBirthName"),
    (tags::PATIENT_MOTHER_BIRTH_NAME, "PatientMotherBirthName"),
    (tags::PATIENT_ADDRESS, "PatientAddress"),
    (tags::PATIENT_TELEPHONE_NUMBERS, "PatientTelephoneNumbers"),
    (tags::PATIENT_COMMENTS, "PatientComments"),
    (
        tags::PATIENT_RELIGIOUS_PREFERENCE,
        "PatientReligiousPreference",
    ),
    (Tag(0x0010, 0x2160), "EthnicGroup"),
    (tags::OCCUPATION, "Occupation"),
    (tags::MILITARY_RANK, "MilitaryRank"),
    (tags::COUNTRY_OF_RESIDENCE, "CountryOfResidence"),
    (tags::REGION_OF_RESIDENCE, "RegionOfResidence"),
    (tags::MEDICAL_ALERTS, "MedicalAlerts"),
    (tags::ALLERGIES, "Allergies"),
    (tags::SMOKING_STATUS, "SmokingStatus"),
    (tags::PREGNANCY_STATUS, "PregnancyStatus"),
    (tags::ADDITIONAL_PATIENT_HISTORY, "AdditionalPatientHistory"),
    (tags::ADMISSION_ID, "AdmissionID"),
    (tags::ACCESSION_NUMBER, "AccessionNumber"),
    (tags::STUDY_ID, "StudyID"),
    (tags::STUDY_DATE, "StudyDate"),
    (tags::SERIES_DATE, "SeriesDate"),
    (tags::ACQUISITION_DATE, "AcquisitionDate"),
    (tags::CONTENT_DATE, "ContentDate"),
    (tags::STUDY_TIME, "StudyTime"),
    (tags::SERIES_TIME, "SeriesTime"),
    (tags::ACQUISITION_TIME, "AcquisitionTime"),
    (tags::CONTENT_TIME, "ContentTime"),
    (tags::ACQUISITION_DATE_TIME, "AcquisitionDateTime"),
    (tags::STUDY_DESCRIPTION, "StudyDescription"),
    (tags::SERIES_DESCRIPTION, "SeriesDescription"),
    (tags::PROTOCOL_NAME, "ProtocolName"),
    (tags::IMAGE_COMMENTS, "ImageComments"),
    (tags::INSTITUTION_NAME, "InstitutionName"),
    (tags::INSTITUTION_ADDRESS, "InstitutionAddress"),
    (
        tags::INSTITUTIONAL_DEPARTMENT_NAME,
        "InstitutionalDepartmentName",
    ),
    (tags::REFERRING_PHYSICIAN_NAME, "ReferringPhysicianName"),
    (
        tags::REFERRING_PHYSICIAN_ADDRESS,
        "ReferringPhysicianAddress",
    ),
    (tags::PERFORMING_PHYSICIAN_NAME, "PerformingPhysicianName"),
    (tags::PHYSICIANS_OF_RECORD, "PhysiciansOfRecord"),
    (
        tags::NAME_OF_PHYSICIANS_READING_STUDY,
        "NameOfPhysiciansReadingStudy",
    ),
    (tags::REQUESTING_PHYSICIAN, "RequestingPhysician"),
    (tags::OPERATORS_NAME, "OperatorsName"),
    (
        tags::REQUESTED_PROCEDURE_DESCRIPTION,
        "RequestedProcedureDescription",
    ),
    (tags::STATION_NAME, "StationName"),
    (tags::DEVICE_SERIAL_NUMBER, "DeviceSerialNumber"),
    (tags::STUDY_INSTANCE_UID, "StudyInstanceUID"),
    (tags::SERIES_INSTANCE_UID, "SeriesInstanceUID"),
    (tags::SOP_INSTANCE_UID, "SOPInstanceUID"),
    (tags::FRAME_OF_REFERENCE_UID, "FrameOfReferenceUID"),
    (tags::INSTANCE_CREATION_DATE, "InstanceCreationDate"),
];

/// Those that a file holds and that say something.
pub fn identifying(object: &Object) -> Vec<IdentifyingTag> {
    IDENTIFYING
        .iter()
        .filter_map(|&(tag, keyword)| {
            Some(IdentifyingTag {
                tag: (tag.0, tag.1),
                keyword,
                value: text(object, tag)?,
            })
        })
        .collect()
}
